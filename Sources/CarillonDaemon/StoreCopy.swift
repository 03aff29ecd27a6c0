package import CarillonCore

/// Carries a whole store into another one, row by row, and proves that both are equal.
package struct StoreCopy: Sendable {
    /// What was carried; `--json` prints it as it stands here.
    package struct Copied: Sendable, Encodable {
        package struct Part: Sendable, Encodable {
            package var table: String
            package var rows: Int
            /// Of all its rows in the order of their keys, as read back from the new store.
            package var digest: String
        }

        package var tables: [Part]
    }

    /// Rows of one transaction.
    private static let batch = 5_000

    private let source: any StoreArchive
    private let target: any StoreArchive

    package init(from source: any StoreArchive, to target: any StoreArchive) {
        self.source = source
        self.target = target
    }

    /// Copies, and reads both anew to compare them. `progress` hears the table, the rows done and all there are. Throws `Failure`.
    package func run(
        _ progress: @Sendable (_ table: String, _ rows: Int, _ of: Int) -> Void = { _, _, _ in }
    ) async throws -> Copied {
        let facts = try await source.facts()
        try await check(facts, try await target.facts())
        for table in StoreTable.all {
            let all = facts.rows[table.name] ?? 0
            var done = 0
            try await each(of: table, in: source) { rows in
                try await target.add(rows, to: table)
                done += rows.count
                progress(table.name, done, all)
            }
        }
        var copied = Copied(tables: [])
        for table in StoreTable.all {
            let (before, after) = (try await digest(of: table, in: source), try await digest(of: table, in: target))
            guard before == after else {
                throw Failure.failed(
                    "the copy of \(table.name) is not equal: \(before.rows) rows became \(after.rows); do not use it")
            }
            copied.tables.append(
                .init(table: table.name, rows: after.rows, digest: String(after.value, radix: 16)))
        }
        return copied
    }

    private func check(_ from: StoreFacts, _ to: StoreFacts) async throws {
        for facts in [from, to] {
            guard let holder = facts.holder else { continue }
            throw Failure.failed(
                "a daemon on \(holder) works with \(facts.address): stop it first (what was killed is gone after its lease)"
            )
        }
        guard from.missing.isEmpty else {
            throw Failure.failed(
                "\(from.address) is of an older release: `carillon store migrate` first")
        }
        if let table = to.rows.first(where: { $0.value > 0 && $0.key != "notes" })?.key {
            throw Failure.failed("\(to.address) is not empty: it has \(table)")
        }
        let notes = try await target.rows(of: StoreTable.all[0], after: nil, limit: 2)
        guard notes.allSatisfy({ $0.first == .text("store.id") }) else {
            throw Failure.failed("\(to.address) is not empty: a daemon has worked with it")
        }
    }

    private func digest(of table: StoreTable, in store: any StoreArchive) async throws -> RowDigest {
        var digest = RowDigest()
        try await each(of: table, in: store) { rows in for row in rows { digest.add(row) } }
        return digest
    }

    private func each(
        of table: StoreTable, in store: any StoreArchive, _ body: ([[StoreValue]]) async throws -> Void
    ) async throws {
        var last: [StoreValue]?
        while true {
            let rows = try await store.rows(of: table, after: last, limit: Self.batch)
            guard let end = rows.last else { return }
            try await body(rows)
            last = Array(end.prefix(table.keys))
        }
    }
}
