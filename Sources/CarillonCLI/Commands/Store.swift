import ArgumentParser
import CarillonConfiguration
import CarillonCore
import CarillonDaemon
import CommandSupport
import Foundation
import Timetable

struct Store: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look after the store: what is in it, whether it is sound, a copy elsewhere, a backup.",
        discussion: """
            An address is written as for store.url: sqlite:PATH, postgres://user@host/database or \
            mongodb://user@host/database. Without one it is the store of the settings.

            EXAMPLES
              carillon store show
              carillon store check
              carillon store backup /var/backups/carillon.db
              carillon store copy sqlite:/var/lib/carillon/carillon.db postgres://carillon@db/carillon
            """,
        subcommands: [Show.self, Check.self, Migrate.self, Copy.self, Backup.self], defaultSubcommand: Show.self)

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "What the store is, how much is in it, and who works with it.")
        @OptionGroup var place: DaemonLocation
        @Argument(help: "The store's address.") var address: String?
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            let facts = try await place.look(at: address) { try await $0.facts() }
            if json { return try say(json: facts) }
            say("store       \(facts.kind), \(facts.address)")
            say("id          \(facts.id ?? "none yet")")
            say("size        \(Counted.bytes(facts.bytes))")
            say("in use by   \(facts.holder ?? "nobody")")
            say("tables      \(facts.migrations.last ?? "none yet")")
            for name in facts.missing { say("            " + Terminal.paint("to come: \(name)", .yellow)) }
            for table in StoreTable.all {
                if let count = facts.rows[table.name] { say("\(table.name.padded(12))\(Counted.number(count))") }
            }
        }
    }

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Look for what is wrong with the store; exit code 5 when something is.",
            discussion: "It reads everything, which takes its time, and harms nobody who works with the store.")
        @OptionGroup var place: DaemonLocation
        @Argument(help: "The store's address.") var address: String?
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            let composition = Composition.current
            let faults = try await place.look(at: address) { store in
                let facts = try await store.facts()
                var faults = facts.missing.isEmpty ? try await store.check() : []
                faults += facts.missing.map { "a migration is to come: \($0); `carillon store migrate` does it" }
                if !facts.missing.isEmpty { return faults }
                // Each definition once, as the daemon would read it.
                var last: String?
                while true {
                    let jobs = try await store.jobs(after: last, limit: 1_000)
                    guard let end = jobs.last else { break }
                    last = end.job.name
                    for job in jobs.map(composition.checked) where job.fault != nil {
                        faults.append("job '\(job.job.name)': \(job.fault ?? "")")
                    }
                }
                return faults
            }
            if json {
                try say(json: Checked(well: faults.isEmpty, faults: faults))
            } else if faults.isEmpty {
                say(Terminal.paint("well", .green))
            } else {
                for fault in faults { say(sentence: Terminal.paint("error: ", .red) + "\(fault)") }
            }
            if !faults.isEmpty { throw Failure.degraded("") }
        }

        private struct Checked: Encodable {
            var well: Bool
            var faults: [String]
        }
    }

    struct Migrate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Make a store, or bring one of an older release up to date; the daemon does so by itself when it starts."
        )
        @OptionGroup var place: DaemonLocation
        @Argument(help: "The store's address.") var address: String?
        @Flag(name: .customLong("dry-run"), help: "Say what would be done, and do nothing.") var dryRun = false
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            let missing = try await place.missing(address)
            if !dryRun, !missing.isEmpty { try await place.open(address) { _ in } }
            if json { return try say(json: Migrated(done: !dryRun, migrations: missing)) }
            if missing.isEmpty { return say("the store is up to date") }
            for name in missing { say("\(dryRun ? "to come: " : "done: ")\(name)") }
        }

        private struct Migrated: Encodable {
            var done: Bool
            var migrations: [String]
        }
    }

    struct Backup: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a copy of the whole store, beside a daemon that runs on.",
            discussion: """
                Of SQLite a file that opens as it is: stop the daemon, put it in the place of carillon.db, remove carillon.db-wal. \
                Of PostgreSQL what pg_dump writes, for pg_restore.
                """)
        @OptionGroup var place: DaemonLocation
        @Argument(help: "A file that is not there yet.", completion: .file()) var to: String
        @Option(help: "The store's address.") var store: String?
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            let path = DaemonLocation.absolute(to)
            try await place.look(at: store) { try await $0.backUp(to: path) }
            let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int64) ?? 0
            if json { return try say(json: Written(path: path, bytes: size)) }
            say("\(path) is written: \(Counted.bytes(size))")
        }

        private struct Written: Encodable {
            var path: String
            var bytes: Int64
        }
    }

    struct Copy: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Copy a whole store into another one, and check that both are equal.",
            discussion: """
                Jobs, how far each is accounted for, runs, skips, notes and the trail of orders go along; ids stay. No daemon may \
                work with either, and the new one must be empty. Afterwards set store.url to the new address.

                EXAMPLES
                  carillon store copy sqlite:carillon.db postgres://carillon@db/carillon
                """)
        @OptionGroup var place: DaemonLocation
        @Argument(help: "The address of what is there.") var from: String
        @Argument(help: "The address of the new one.") var to: String
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            guard from != to else { throw Failure.input("both addresses are the same") }
            let copied = try await place.look(at: from) { source in
                try await place.open(to) { target in
                    try await StoreCopy(from: source, to: target).run { table, rows, of in
                        guard Terminal.isErrorTerminal else { return }
                        Terminal.progress(rows < of ? "\(table) \(Counted.number(rows)) of \(Counted.number(of))" : "")
                    }
                }
            }
            if json { return try say(json: copied) }
            var table = TextTable(.fixed("TABLE"), .fixed("ROWS"), .fixed("DIGEST"))
            for part in copied.tables {
                table.add(.init(part.table), .init(Counted.number(part.rows)), .init(part.digest, .grey))
            }
            table.print()
            say("both are equal")
        }
    }
}

extension DaemonLocation {
    /// Looks at a store, that of the settings without an address. Throws `Failure`.
    fileprivate func look<T: Sendable>(
        at address: String?, _ body: @Sendable (any StoreArchive) async throws -> T
    ) async throws -> T {
        let (address, driver) = try found(address)
        return try await saying {
            guard let store = try await driver.look(address, state: stateDirectory) else {
                throw Failure.failed("there is no store yet at \(driver.place(of: address))")
            }
            return try await use(store, driver.place(of: address), body)
        }
    }

    /// Names the migrations that opening a store would carry out. Throws `Failure`.
    fileprivate func missing(_ address: String?) async throws -> [String] {
        let (address, driver) = try found(address)
        return try await saying { try await driver.missing(address, state: stateDirectory) }
    }

    /// Opens a store, and makes it or brings it up to date if need be. Throws `Failure`.
    fileprivate func open<T: Sendable>(
        _ address: String?, _ body: @Sendable (any StoreArchive) async throws -> T
    ) async throws -> T {
        let (address, driver) = try found(address)
        return try await saying {
            try await use(try await driver.open(address, state: stateDirectory), driver.place(of: address), body)
        }
    }

    /// What the settings say of the store, when its address is the settings' or none is given; else nothing but the address.
    private func found(_ url: String?) throws -> (StoreAddress, any StoreDriver.Type) {
        let set = try settings(zones: ZoneDatabase()).store
        let address = url == nil || url == set.url ? set : StoreAddress(url: url ?? "")
        return (address, try Composition.current.driver(of: address))
    }

    private func use<T: Sendable>(
        _ store: any JobStore, _ address: String, _ body: @Sendable (any StoreArchive) async throws -> T
    ) async throws -> T {
        guard let archive = store as? any StoreArchive else {
            throw Failure.failed("\(address): a store of this kind cannot be carried elsewhere")
        }
        do {
            let answer = try await body(archive)
            try await store.close()
            return answer
        } catch {
            try? await store.close()
            throw error
        }
    }

    private func saying<T: Sendable>(_ body: () async throws -> T) async throws -> T {
        do {
            return try await body()
        } catch let error as StoreError {
            throw Failure.failed(error.message)
        }
    }
}
