package import CarillonCore
import CarillonEngine

/// Why a request was refused, in words for whoever made it: a problem by RFC 9457, with Simple Scheduler's `error` in the same body.
package struct APIError: Error, Hashable, Sendable {
    /// Of HTTP.
    package var status: Int
    /// Stays the same from release to release.
    package var code: String
    package var message: String
    /// Of a body or a query: which of its fields, and what about it.
    package var fields: [String: String] = [:]
    package var missing: [Scope] = []
    /// Seconds after which it may be tried again.
    package var retryAfter: Int?

    package init(_ status: Int, _ code: String, _ message: String, fields: [String: String] = [:]) {
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields
    }

    package static func unknown(_ message: String) -> APIError { APIError(404, "unknown", message) }
    package static func bad(_ message: String, _ field: String? = nil) -> APIError {
        APIError(400, "bad", message, fields: field.map { [$0: message] } ?? [:])
    }

    /// Makes what a failed order is over HTTP.
    package init(_ code: String, _ message: String) {
        let status =
            switch code {
            case OrderError.Code.unknown.name: 404
            case OrderError.Code.bad.name: 400
            case OrderError.Code.refused.name, StoreError.Code.busy.name: 409
            case StoreError.Code.full.name: 507
            case StoreError.Code.corrupt.name: 500
            default: 503
            }
        self.init(status, code.replacing(" ", with: "-"), message)
    }

    /// Makes one of what is wrong in a body.
    package init(_ problems: [ConfigProblem]) {
        let words = problems.map { ($0.key.map { $0 + ": " } ?? "") + $0.message }.joined(separator: "; ")
        self.init(400, "bad", words)
        for problem in problems { fields[problem.key ?? ""] = problem.message }
    }

    /// The body, as JSON.
    package var json: [UInt8] {
        var entries: [(key: String, value: any Encodable)] = [
            ("type", "/errors/\(code)"), ("title", Self.title(of: status)), ("status", status), ("detail", message),
            ("error", message),
            ("code", code),
        ]
        if !fields.isEmpty {
            entries.append(
                (
                    "fields",
                    fields.sorted { $0.key < $1.key }.map { JSONObject([("path", $0.key), ("message", $0.value)]) }
                ))
        }
        if !missing.isEmpty { entries.append(("missing_scopes", missing.map(\.rawValue).sorted())) }
        // Texts and whole numbers: they can be written.
        return Array(((try? PublicJSON.encode(JSONObject(entries))) ?? "{}").utf8)
    }

    /// A word or two for a status.
    package static func title(of status: Int) -> String {
        switch status {
        case 400: "Bad request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not found"
        case 405: "Method not allowed"
        case 408: "Request timeout"
        case 409: "Conflict"
        case 412: "Precondition failed"
        case 413: "Too large"
        case 415: "Unsupported media type"
        case 421: "Misdirected request"
        case 429: "Too many requests"
        case 503: "Unavailable"
        case 507: "The store is full"
        default: "Error"
        }
    }
}
