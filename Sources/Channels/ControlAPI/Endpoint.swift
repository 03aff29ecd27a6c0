package import CarillonEngine

/// A route: what serves it, what it asks of whoever calls, and what it answers. The router, the guard and the description are made of
/// the same values.
package struct Endpoint: Sendable {
    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
        case delete = "DELETE"
    }

    /// A value of the query, or a header.
    package struct Parameter: Sendable {
        package var name: String
        package var words: String
        package var schema: Schema
        package var isRequired: Bool
        /// Whether it may be given several times.
        package var isList: Bool

        package init(
            _ name: String, _ words: String, _ schema: Schema = .text(), isRequired: Bool = false, isList: Bool = false
        ) {
            self.name = name
            self.words = words
            self.schema = schema
            self.isRequired = isRequired
            self.isList = isList
        }
    }

    /// What it takes, as JSON.
    package struct Body: Sendable {
        package var schema: Schema
        package var isRequired: Bool
        /// As JSON.
        package var example: String

        package init(_ schema: Schema, example: String, isRequired: Bool = true) {
            self.schema = schema
            self.example = example
            self.isRequired = isRequired
        }
    }

    /// What it answers when all is well.
    package struct Success: Sendable {
        package var status: Int
        package var words: String
        package var type: String
        /// Of JSON; nil for no body, or another type.
        package var schema: Schema?
        package var headers: [Parameter]

        package init(
            _ status: Int = 200, _ words: String = "What was asked for.", _ schema: Schema? = nil,
            type: String = "application/json", headers: [Parameter] = []
        ) {
            self.status = status
            self.words = words
            self.schema = schema
            self.type = type
            self.headers = headers
        }

        package static func json<Value: Decodable>(_ type: Value.Type, status: Int = 200) -> Success {
            Success(status, schema: .of(type))
        }

        package init(_ status: Int, schema: Schema) { self.init(status, "What was asked for.", schema) }

        package static let empty = Success(204, "Done.")
    }

    package var method: Method
    /// With `{name}` for what varies.
    package var path: String
    /// Nil for what anybody may ask.
    package var scope: Scope?
    package var words: String
    package var query: [Parameter]
    package var headers: [Parameter]
    package var body: Body?
    package var successes: [Success]
    package var serve: @Sendable (Call) async throws -> Answer

    package init(
        _ method: Method, _ path: String, _ scope: Scope?, _ words: String, query: [Parameter] = [],
        headers: [Parameter] = [], body: Body? = nil, _ successes: Success...,
        serve: @escaping @Sendable (Call) async throws -> Answer
    ) {
        self.method = method
        self.path = path
        self.scope = scope
        self.words = words
        self.query = query
        self.headers = headers
        self.body = body
        self.successes = successes
        self.serve = serve
    }
}

/// What a token may be good for.
package struct Scope: Hashable, Sendable, Codable, RawRepresentable, Comparable {
    package var rawValue: String

    package init(rawValue: String) { self.rawValue = rawValue }

    package static let jobsRead = Scope(rawValue: "jobs:read")
    package static let jobsWrite = Scope(rawValue: "jobs:write")
    package static let runsRead = Scope(rawValue: "runs:read")
    package static let runsWrite = Scope(rawValue: "runs:write")
    /// To write jobs that run programs, beside `jobsWrite`.
    package static let execWrite = Scope(rawValue: "exec:write")
    package static let systemRead = Scope(rawValue: "system:read")
    package static let systemWrite = Scope(rawValue: "system:write")

    package static let all: Set<Scope> = [
        jobsRead, jobsWrite, runsRead, runsWrite, execWrite, systemRead, systemWrite,
    ]

    package static func < (a: Scope, b: Scope) -> Bool { a.rawValue < b.rawValue }
}

/// A request that may be served: whoever makes it has the scope.
package struct Call: Sendable {
    package var path: [String: String]
    package var query: [String: String]
    /// By their names in lower case.
    package var headers: [String: String]
    package var body: [UInt8]
    package var caller: Caller
    /// What its token is good for.
    package var scopes: Set<Scope>
    /// The name of the session that it is made in.
    package var session: String?

    package init(
        path: [String: String], query: [String: String], headers: [String: String], body: [UInt8], caller: Caller,
        scopes: Set<Scope>, session: String? = nil
    ) {
        self.session = session
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.caller = caller
        self.scopes = scopes
    }

    /// A value of the path, percent-decoded.
    package subscript(_ name: String) -> String { path[name] ?? "" }
}

/// What a request is answered with.
package struct Answer: Sendable {
    package var status: Int
    package var type = "application/json"
    package var headers: [(name: String, value: String)] = []
    /// Whether it has no end of its own: it ends with whoever listens, and with the daemon.
    package var isLive = false
    /// All at once or in parts as they come; nil for none.
    package var body: Body?

    package enum Body: Sendable {
        case whole([UInt8])
        /// Answers the next part, and nil at the end.
        case parts(@Sendable () -> any AsyncIteratorProtocol<[UInt8], any Error> & Sendable)
    }

    package init(_ status: Int, _ json: [UInt8]? = nil) {
        self.status = status
        body = json.map { .whole($0) }
    }
}
