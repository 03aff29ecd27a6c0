import CarillonEngine
import CarillonTestSupport
import Foundation
import Testing

/// Daemons whose ledger is in a MongoDB: what the server suffers, and what becomes of a daemon's jobs when it dies.
@Suite(.serialized, .timeLimit(.minutes(10))) struct MongoStoreDaemonTests {
    let first: DaemonFixture
    let second: DaemonFixture
    let mongo: MongoFixture

    init() throws {
        (first, second) = (try DaemonFixture(), try DaemonFixture())
        mongo = try MongoFixture(replicaSet: false, login: true)
        for (number, daemon) in [first, second].enumerated() {
            let port = mongo.port
            try daemon.folder.write("secrets/store", MongoFixture.password + "\n")
            try daemon.folder.write(
                "carillon.toml",
                """
                [instance]
                name = "i\(number)"
                lease = "5s"

                [store]
                url = "mongodb://\(MongoFixture.user)@127.0.0.1:\(port)/carillon?authSource=admin"
                password_file = "\(daemon.state)/secrets/store"
                """)
        }
        try first.folder.write(
            "jobs.d/ticks.toml",
            (0..<6).map { number in
                """
                [[job]]
                name = "tick-\(number)"
                every = "2s"
                exec = ["/bin/true"]
                catch_up = "all"
                overlap = "allow"

                """
            }.joined())
    }

    /// Times of runs that completed, a second each.
    private func times(_ daemon: DaemonFixture, _ number: Int) async throws -> [Double] {
        try await daemon.objects("runs", "list", "--job", "tick-\(number)", "--limit", "1000")
            .filter { $0["state"] as? String == "completed" }.map { try DaemonFixture.seconds($0["scheduledAt"]) }
            .sorted()
    }

    /// Every job has gone on, and none of its times is missing or twice.
    private func requireWhole(_ daemon: DaemonFixture) async throws {
        for number in 0..<6 {
            let times = try await times(daemon, number)
            for (one, next) in zip(times, times.dropFirst()) { #expect(next - one == 2, "tick-\(number): \(times)") }
        }
    }

    private func goesOn(_ daemon: DaemonFixture, _ what: String) async throws {
        var before: [Int] = []
        for number in 0..<6 { before.append(try await times(daemon, number).count) }
        try await daemon.eventually(within: 200, what) { [before] in
            for number in 0..<6 {
                if try await times(daemon, number).count < before[number] + 2 { return false }
            }
            return true
        }
    }

    @Test func aServerThatIsKilledCostsNoTime() async throws {
        try await mongo.start()
        try await first.start()
        try await goesOn(first, "it runs")
        await mongo.kill()
        try await first.eventually("it says what is wrong") {
            let status = try #require(try await first.objects("status").first)
            let troubles = try #require(status["troubles"] as? [String]).joined(separator: "; ")
            return troubles.contains("store") && !troubles.contains(MongoFixture.password)
        }
        try await mongo.start()
        try await goesOn(first, "it goes on")
        try await requireWhole(first)
        let facts = try #require(try await first.objects("store", "show").first)
        #expect(facts["kind"] as? String == "mongodb", "\(facts)")
    }

    @Test func whoeverIsKilledIsFollowed() async throws {
        try await mongo.start()
        try await first.start()
        try await second.start()
        try await goesOn(second, "both run")
        // A killed one leaves nothing that a later process of its number would complain of.
        let number = try #require(first.processID)
        #expect(!FileManager.default.fileExists(atPath: "/dev/shm/mongoc-\(number)"))
        await first.kill()
        try await goesOn(second, "the other one goes on")
        try await requireWhole(second)
        // Whoever comes back shares again, and leaves in order.
        try await first.start()
        try await goesOn(first, "it is back")
        #expect(await second.stop() == 0)
        try await goesOn(first, "alone again")
        try await requireWhole(first)
    }
}
