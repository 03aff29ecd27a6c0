#if MongoDB
    public import BlockingConnection

    extension ClientErrorKind {
        /// What was to be written is there already, by the rule of a unique index; nothing of that document was written.
        public static let duplicate = ClientErrorKind(name: "duplicate")
    }

    /// Which unique index a document has no room in.
    public struct MongoDuplicate: Hashable, Sendable {
        /// `_id_` for the one that every collection has; empty when the server does not say.
        public var index: String
        /// The index's fields, in its order; empty when the server does not say.
        public var fields: [String]

        public init(index: String, fields: [String]) {
            self.index = index
            self.fields = fields
        }
    }

    /// What a server answered instead of documents, or why there was no answer; by its kind a caller knows what to do next.
    ///
    /// No password is in it. The server's text may repeat a value, such as that of a duplicate key.
    public struct MongoError: Error, Hashable, Sendable, CustomStringConvertible {
        /// `unreachable`: no server was found that is fit for the call, and nothing was asked of one; it may be made again.
        /// `lost` and `timedOut`: what was to be changed may have been changed, see `isOutcomeKnown`. `refused`: the login, the
        /// rights or TLS. `duplicate`: see there. `statement`: the server did not like what was asked.
        public typealias Kind = ClientErrorKind

        public var kind: Kind
        /// The server's (error_codes.yml of its source), such as 11000; nil when it is not the server that says it.
        public var code: Int?
        /// The server's or the library's own text.
        public var message: String
        /// `MongoConfiguration.address`; empty for a URL that is none.
        public var server: String
        /// Of a `duplicate`.
        public var duplicate: MongoDuplicate?

        public init(_ kind: Kind, _ message: String, code: Int? = nil, server: String, duplicate: MongoDuplicate? = nil)
        {
            self.kind = kind
            self.code = code
            self.message = message
            self.server = server
            self.duplicate = duplicate
        }

        /// Nothing is wrong with what was asked; the same call may succeed later.
        public var isUnavailable: Bool { kind.isUnavailable }

        /// Whether it is certain that nothing was changed; of several documents at once it is never said which were.
        public var isOutcomeKnown: Bool { kind != .lost && (kind != .timedOut || code == MongoCode.timeLimit) }

        public var description: String {
            (server.isEmpty ? "" : "\(server): ") + message + (code.map { " (\($0))" } ?? "")
        }
    }

    /// Codes of the server that mean more than that it failed.
    enum MongoCode {
        static let unauthorized = 13
        static let authenticationFailed = 18
        static let noSuchCollection = 26
        /// `maxTimeMS` is over, and the operation with it.
        static let timeLimit = 50
        static let noSuchCommand = 59
        static let duplicate = 11000
        /// The server is none that takes it, and has not taken it: no primary, or starting.
        static let elsewhere: Set<Int> = [10107, 13435, 13436]
        /// It was taken by a server that stopped or stepped down over it ("Retryable Writes" of MongoDB's driver
        /// specifications).
        static let interrupted: Set<Int> = [6, 7, 89, 91, 134, 189, 262, 9001, 11600, 11602]
    }
#endif
