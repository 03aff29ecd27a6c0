#if Postgres
    import BlockingConnection
    import CPostgres

    /// The columns of a result.
    final class Columns {
        let names: [String]
        private let types: [Oid]
        private let indices: [String: Int]
        private let server: String

        init(_ result: Answer, server: String) {
            let all = 0..<PQnfields(result)
            names = all.map { String(cString: PQfname(result, $0)) }
            types = all.map { PQftype(result, $0) }
            // Of two columns of one name the first has it.
            indices = Dictionary(zip(names, names.indices)) { first, _ in first }
            self.server = server
        }

        func index(of name: String) throws(PostgresError) -> Int {
            guard let index = indices[name] else { throw misuse("the result has no column \(name)") }
            return index
        }

        func check(_ index: Int) throws(PostgresError) -> Int32 {
            guard names.indices.contains(index) else {
                throw misuse("the result has \(names.count) columns, and none at \(index)")
            }
            return Int32(index)
        }

        func mismatch(at index: Int, expected: String) -> PostgresError {
            misuse("column \(names[index]): expected \(expected), found what is none, of type \(type(at: index))")
        }

        func isBytes(_ index: Int) -> Bool { types[index] == 17 }

        private func type(at index: Int) -> String { Self.typeNames[types[index]] ?? "number \(types[index])" }

        /// Those of pg_type.dat that are used most; the others are different in every database.
        private static let typeNames: [Oid: String] = [
            16: "bool", 17: "bytea", 20: "bigint", 21: "smallint", 23: "integer", 25: "text", 114: "json", 700: "real",
            701: "double precision", 1043: "varchar", 1082: "date", 1083: "time", 1114: "timestamp",
            1184: "timestamptz", 1186: "interval", 1700: "numeric", 2950: "uuid", 3802: "jsonb",
        ]

        private func misuse(_ what: String) -> PostgresError { PostgresError(.statement, what, server: server) }
    }
#endif
