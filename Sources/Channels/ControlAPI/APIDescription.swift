import CarillonConfiguration
import CarillonCore

/// What endpoints do and answer, as OpenAPI 3.1 has it: written from the same values that serve.
package struct APIDescription: Sendable {
    private let endpoints: [Endpoint]
    private let address: String

    package static let path = "/api/v1/openapi.json"

    /// `address` is what others call the daemon by, if anybody has said.
    package init(of endpoints: [Endpoint], at address: String? = nil) {
        self.endpoints = endpoints
        self.address = address ?? "/"
    }

    /// Joins to endpoints the one that describes them all, itself as well.
    package static func adding(at address: String? = nil, to endpoints: [Endpoint]) -> [Endpoint] {
        let words = "This description."
        let scope = Scope.jobsRead
        let own = Endpoint(.get, path, scope, words, .description) { _ in Answer(404) }
        let document = APIDescription(of: endpoints + [own], at: address).json
        return endpoints + [
            Endpoint(.get, path, scope, words, .description) { _ in Answer(200, document) }
        ]
    }

    /// The document.
    package var json: [UInt8] {
        var paths: [(key: String, value: any Encodable)] = []
        for endpoint in endpoints where !paths.contains(where: { $0.key == endpoint.path }) {
            let methods = endpoints.filter { $0.path == endpoint.path }
            paths.append(
                (
                    endpoint.path,
                    JSONObject(
                        Self.pathParameters(of: endpoint)
                            + methods.map { ($0.method.rawValue.lowercased(), Self.operation($0)) })
                ))
        }
        let document = JSONObject([
            ("openapi", "3.1.0"),
            (
                "info",
                JSONObject([
                    ("title", "Carillon"), ("version", "1"),
                    ("summary", "A scheduler: its jobs, their runs, and how it is."),
                    (
                        "description",
                        "Routes below /api/v1 stay as they are within version 1; keys may be added to answers. Those below "
                            + "/api/jobs and /api/runs are Simple Scheduler's."
                    ),
                ])
            ),
            ("servers", [JSONObject([("url", address)])]), ("paths", JSONObject(paths)),
            ("components", JSONObject([("schemas", schemas), ("securitySchemes", Self.security)])),
        ])
        // Texts and whole numbers: they can be written.
        return Array(((try? PublicJSON.encode(document)) ?? "{}").utf8)
    }

    private static var security: JSONObject {
        JSONObject([
            (
                "token",
                JSONObject([
                    ("type", "http"), ("scheme", "bearer"),
                    (
                        "description",
                        "A token of `carillon token create`, or of the OpenID provider that the settings name."
                    ),
                ])
            )
        ])
    }

    private var schemas: JSONObject {
        let all = endpoints.flatMap { endpoint in
            (endpoint.body.map { [$0.schema] } ?? []) + endpoint.successes.compactMap(\.schema)
        }
        let named = (all + [APIError.schema]).flatMap(\.named).sorted { $0.name < $1.name }
        return JSONObject(named.map { ($0.name, Schema.json(of: $0.fields)) })
    }

    /// What stands in braces in a path.
    static func names(in path: String) -> [String] {
        path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
    }

    private static func pathParameters(of endpoint: Endpoint) -> [(key: String, value: any Encodable)] {
        let names = names(in: endpoint.path)
        if names.isEmpty { return [] }
        return [
            (
                "parameters",
                names.map { name in
                    JSONObject([
                        ("name", name), ("in", "path"), ("required", true),
                        ("schema", JSONObject([("type", "string"), ("minLength", 1)])),
                    ])
                }
            )
        ]
    }

    private static func operation(_ endpoint: Endpoint) -> JSONObject {
        let parameters =
            endpoint.query.map { parameter($0, "query") } + endpoint.headers.map { parameter($0, "header") }
        return JSONObject(
            [
                ("operationId", name(of: endpoint)), ("summary", endpoint.words), ("tags", [tag(of: endpoint)]),
                ("parameters", parameters),
            ] + (endpoint.body.map { [("requestBody", body($0))] } ?? [])
                + [
                    ("responses", responses(endpoint)),
                    ("security", endpoint.scope.map { [JSONObject([("token", [$0.rawValue])])] } ?? []),
                ])
    }

    private static func parameter(_ parameter: Endpoint.Parameter, _ place: String) -> JSONObject {
        JSONObject([
            ("name", parameter.name), ("in", place), ("description", parameter.words),
            ("required", parameter.isRequired),
            ("schema", (parameter.isList ? .list(parameter.schema) : parameter.schema).json),
        ])
    }

    private static func body(_ body: Endpoint.Body) -> JSONObject {
        let example = try? ConfigDocument.read(body.example, format: .json, path: "example")
        return JSONObject([
            ("required", body.isRequired),
            (
                "content",
                JSONObject([
                    ("application/json", JSONObject([("schema", body.schema.json), ("example", example)]))
                ])
            ),
        ])
    }

    private static func responses(_ endpoint: Endpoint) -> JSONObject {
        var entries: [(key: String, value: any Encodable)] = endpoint.successes.map { success in
            let content = success.schema.map { JSONObject([("schema", $0.json)]) } ?? JSONObject([])
            let headers = success.headers.map {
                ($0.name, JSONObject([("description", $0.words), ("schema", $0.schema.json)]) as any Encodable)
            }
            return (
                String(success.status),
                JSONObject(
                    [("description", success.words)]
                        + (success.hasBody ? [("content", JSONObject([(success.type, content)]))] : [])
                        + (headers.isEmpty ? [] : [("headers", JSONObject(headers))]))
            )
        }
        let type = endpoint.isProblem ? "application/problem+json" : "application/json"
        let content = JSONObject([(type, JSONObject([("schema", APIError.schema.json)]))])
        for status in endpoint.failures {
            entries.append(
                (String(status), JSONObject([("description", APIError.title(of: status)), ("content", content)])))
        }
        return JSONObject(entries)
    }

    /// `getJobsNameWhy` of `GET /api/v1/jobs/{name}/why`.
    private static func name(of endpoint: Endpoint) -> String {
        let parts = endpoint.path.split { !$0.isLetter && !$0.isNumber }.filter { $0 != "v1" }
        let words = endpoint.isProblem ? parts.dropFirst() : parts[...]
        return endpoint.method.rawValue.lowercased() + words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    private static func tag(of endpoint: Endpoint) -> String {
        let parts = endpoint.path.split(separator: "/").map(String.init)
        if endpoint.isProblem { return parts[2] }
        return parts.first == "api" ? "Simple Scheduler" : "health"
    }
}

extension Endpoint {
    /// Whether its errors are of RFC 9457's type.
    var isProblem: Bool { path.hasPrefix("/api/v1/") }

    /// How it may fail.
    var failures: [Int] {
        var failures: Set<Int> = [400, 421, 503]
        if scope != nil { failures.formUnion([401, 403, 429]) }
        if path.contains("{") || query.contains(where: { $0.name == "job" }) { failures.formUnion([404, 409]) }
        if method != .get { failures.formUnion([404, 408, 409, 413, 507]) }
        if headers.contains(where: { $0.name == "If-Match" }) { failures.insert(412) }
        return failures.sorted()
    }
}

extension Endpoint.Success {
    var hasBody: Bool { status != 204 }

    fileprivate static let description = Self(200, "OpenAPI 3.1.", .map(.anything))
}
