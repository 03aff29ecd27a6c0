#if Postgres
    public import BlockingConnection

    /// What a server answered instead of rows, or why there was no answer.
    ///
    /// No password is in it. The server's text may repeat a value, such as one that is no number (22P02).
    public struct PostgresError: Error, Hashable, Sendable, CustomStringConvertible {
        /// `timedOut` is a statement that the server cancelled (57014), and nothing of it was done; or it did not answer at
        /// all, no `sqlState` says so, and it is as after `lost`. `statement` is no such table (42P01) or column (42703), for
        /// instance.
        public typealias Kind = ClientErrorKind

        public var kind: Kind
        /// Five characters, such as `23505` (PostgreSQL's appendix A); empty when it is not the server that says it.
        public var sqlState: String
        /// The server's or the library's own text, in English or the server's language.
        public var message: String
        /// `PostgresConfiguration.address`; empty for a URL that is none.
        public var server: String

        public init(_ kind: Kind, _ message: String, sqlState: String = "", server: String) {
            self.kind = kind
            self.sqlState = sqlState
            self.message = message
            self.server = server
        }

        /// Nothing is wrong with what was asked; the same call may succeed later.
        public var isUnavailable: Bool { kind.isUnavailable }

        /// The transaction met another one and was rolled back; the same one may succeed at once (40001, 40P01).
        public var isConflict: Bool { ["40001", "40P01"].contains(sqlState) }

        public var description: String {
            (server.isEmpty ? "" : "\(server): ") + message + (sqlState.isEmpty ? "" : " (\(sqlState))")
        }
    }
#endif
