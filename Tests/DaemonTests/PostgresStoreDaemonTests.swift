import CarillonEngine
import CarillonTestSupport
import Foundation
import Testing

/// A daemon whose ledger is in a PostgreSQL: what the server suffers, and what people may ask meanwhile.
@Suite(.timeLimit(.minutes(3))) struct PostgresStoreDaemonTests {
    private let daemon: DaemonFixture
    private let postgres: PostgresFixture

    init() throws {
        daemon = try DaemonFixture()
        postgres = try PostgresFixture()
        try daemon.folder.write("secrets/store", PostgresFixture.password + "\n")
        try write()
    }

    private func write() throws {
        try daemon.folder.write(
            "carillon.toml",
            """
            [store]
            url = "\(postgres.address)"
            password_file = "\(daemon.state)/secrets/store"

            [[job]]
            name = "tick"
            every = "1s"
            exec = ["/bin/true"]
            catch_up = "all"
            overlap = "allow"
            """)
    }

    /// Times of runs that completed, a second each.
    private func times() async throws -> [Double] {
        try await daemon.objects("runs", "list", "--job", "tick", "--limit", "1000")
            .filter { $0["state"] as? String == "completed" }.map { try DaemonFixture.seconds($0["scheduledAt"]) }
            .sorted()
    }

    private func troubles() async throws -> String {
        let status = try #require(try await daemon.objects("status").first)
        return try #require(status["troubles"] as? [String]).joined(separator: "; ")
    }

    @Test func aServerThatIsKilledCostsNoTime() async throws {
        try await outlives("store", saidAtMost: 6) {
            await postgres.kill()
        } mend: {
            try await postgres.start()
        }
        // Without a daemon the store answers.
        let why = try await daemon.carillon("why", "tick")
        #expect(why.code == 0 && why.output.contains("tick"), "\(why)")
        #expect(why.error.contains("no daemon runs"))
        let facts = try #require(try await daemon.objects("store", "show").first)
        #expect(facts["kind"] as? String == "postgres" && facts["holder"] is NSNull, "\(facts)")
    }

    /// The server says of each write what it says when there is no room for a page.
    @Test func aServerWhoseDiskIsFullCostsNoTime() async throws {
        try await outlives("its disk is full; nothing was written", saidAtMost: 2) {
            try await postgres.execute(
                """
                CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    RAISE 'could not extend file "base/5/16401": No space left on device' USING ERRCODE = 'disk_full';
                END $$;
                """)
            // One after the other: a transaction that locked both might lock them in another order than the daemon does.
            for table in ["runs", "cursors"] {
                try await postgres.execute(
                    "CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON \(table) EXECUTE FUNCTION full_disk()")
            }
        } mend: {
            try await postgres.execute("DROP FUNCTION full_disk CASCADE")
        }
    }

    /// Has a daemon run while something happens to its server that is told of in these words, and is mended seconds later.
    private func outlives(
        _ words: String, saidAtMost most: Int, _ harm: () async throws -> Void, mend: () async throws -> Void
    ) async throws {
        try await postgres.start()
        try await daemon.start()
        try await daemon.eventually("it runs") { try await times().count >= 2 }
        try await harm()
        try await daemon.eventually("it says what is wrong") { try await troubles().contains(words) }
        #expect(try await !troubles().contains(PostgresFixture.password))
        // Some times pass meanwhile.
        let clock = SystemClock()
        let lost = clock.uptime
        try await daemon.eventually("three seconds are over") { clock.uptime > lost + 3_000_000 }
        try await mend()
        try await daemon.eventually("all is well") { try await troubles().isEmpty }
        let before = try await times().count
        try await daemon.eventually("it goes on") { try await times().count >= before + 3 }
        #expect(await daemon.stop() == 0)
        let all = try await times()
        #expect(all == (0..<all.count).map { all[0] + Double($0) }, "each second once")
        #expect(!daemon.log.contains(PostgresFixture.password))
        // Not with every attempt: a server that comes back has several things to say on its way.
        #expect(daemon.log.split(separator: "\n").count { $0.contains("the store failed") } <= most, "\(daemon.log)")
    }

    /// As after a start of the machine.
    @Test func aDaemonWaitsForAServerThatIsNotThereYet() async throws {
        async let started: Void = daemon.start()
        try await daemon.eventually("it waits") { daemon.log.contains("waiting for the store") }
        try await postgres.start()
        try await started
        try await daemon.eventually("it runs") { try await times().count >= 1 }
        #expect(await daemon.stop() == 0)
    }

    /// Settings of a daemon that shares the jobs, with six of each second.
    private func share(_ daemon: DaemonFixture, name: String, _ more: String = "") throws {
        try daemon.folder.write("secrets/store", PostgresFixture.password + "\n")
        let jobs = (1...6).map { number in
            """

            [[job]]
            name = "tick \(number)"
            every = "1s"
            exec = ["/bin/true"]
            catch_up = "all"
            overlap = "allow"
            """
        }
        try daemon.folder.write(
            "carillon.toml",
            """
            [instance]
            name = "\(name)"
            \(more)
            [store]
            url = "\(postgres.address)"
            password_file = "\(daemon.state)/secrets/store"
            \(jobs.joined(separator: "\n"))
            """)
    }

    /// Whoever is killed is given up after its lease, and nobody waits for one that ends in order.
    @Test func daemonsShareTheJobsAndTakeOverFromEachOther() async throws {
        try await postgres.start()
        let other = try DaemonFixture()
        try share(daemon, name: "a")
        try share(other, name: "b")
        try await daemon.start()
        try await other.start()
        try await daemon.eventually("they share") {
            try await instances(daemon) == ["a inForce 2048", "b inForce 2048"]
        }
        try await daemon.eventually("it runs") { try await times(of: 1, by: daemon).count >= 3 }
        await daemon.kill()
        try await other.eventually("b has everything") {
            try await instances(other) == ["a gone 0", "b inForce 4096"]
        }
        // A third one plans nothing, and sees to what is everybody's.
        let third = try DaemonFixture()
        try share(third, name: "c", "roles = [\"custodian\"]")
        try await third.start()
        let before = try await times(of: 1, by: other).count
        try await other.eventually("it runs on") { try await times(of: 1, by: other).count >= before + 3 }
        #expect(try await instances(third) == ["a gone 0", "b inForce 4096", "c inForce 0"])
        try await daemon.start()
        try await daemon.eventually("they share again") {
            try await instances(daemon) == ["a inForce 2048", "b inForce 2048", "c inForce 0"]
        }
        #expect(await other.stop() == 0)
        try await daemon.eventually("a has everything") {
            try await instances(daemon) == ["a inForce 4096", "b gone 0", "c inForce 0"]
        }
        try await daemon.eventually("all is caught up") { try await times(of: 1, by: daemon).count >= before + 6 }
        for number in 1...6 {
            let all = try await times(of: number, by: daemon)
            #expect(all == (0..<all.count).map { all[0] + Double($0) }, "tick \(number): each second once")
        }
        #expect(try await daemon.objects("runs", "list", "--state", "skipped").isEmpty)
        let why = try await daemon.carillon("why", "tick 1")
        #expect(why.output.contains("by instance a, under term "), "\(why)")
        let table = try await daemon.carillon("instances", "list")
        #expect(table.code == 0 && table.lines.count == 4 && table.lines[0].hasPrefix("INSTANCE  STATE"), "\(table)")
        #expect(table.lines.allSatisfy { $0.count <= 80 }, "\(table)")
        for daemon in [daemon, third] { #expect(await daemon.stop() == 0) }
        // Questions without a daemon, too.
        #expect(try await instances(daemon) == ["a gone 0", "b gone 0", "c gone 0"])
    }

    /// Also one that looks what others write.
    @Test func aDaemonOfTheAPIAloneEndsByOneSignal() async throws {
        try await postgres.start()
        try share(daemon, name: "a", "roles = [\"api\"]")
        let file = daemon.state + "/carillon.toml"
        let port = try FreePort.find()
        try daemon.folder.write(
            "carillon.toml",
            try String(contentsOfFile: file, encoding: .utf8) + "\n[api]\nlisten = \"127.0.0.1:\(port)\"\n")
        try await daemon.start()
        #expect(try await instances(daemon) == ["a inForce 0"])
        #expect(await daemon.stop() == 0)
    }

    /// Times that a job has runs of, whatever became of them.
    private func times(of number: Int, by daemon: DaemonFixture) async throws -> [Double] {
        try await daemon.objects("runs", "list", "--job", "tick \(number)", "--limit", "1000")
            .map { try DaemonFixture.seconds($0["scheduledAt"]) }.sorted()
    }

    private func instances(_ daemon: DaemonFixture) async throws -> [String] {
        try await daemon.objects("instances", "list").map {
            "\($0["name"] ?? "") \($0["state"] ?? "") \($0["shares"] ?? "")"
        }
    }
}
