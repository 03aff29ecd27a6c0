package import CarillonDaemon
import CarillonEngine
import Foundation

/// Asks a daemon over its API, as `ControlClient` does over its socket.
package struct APIClient: Sendable {
    /// Says why a daemon refused, by its own words.
    package struct Refusal: Error {
        package var status: Int
        package var code: String
        package var message: String
    }

    /// Says which scopes a token would need.
    package struct MissingScopes: Error {
        package var scopes: [String]
        package var address: APIAddress

        package var failure: Failure {
            .failed(
                "\(address): the token is not good for this; missing: \(scopes.joined(separator: ", "))")
        }
    }

    package let address: APIAddress
    private let tokens: TokenSource
    private let web: WebClient

    package init(_ address: APIAddress, _ tokens: TokenSource, authority: String?, patience: Double) {
        self.address = address
        self.tokens = tokens
        web = WebClient(authority: authority, patience: patience)
    }

    /// How often what came too soon is asked again.
    private static let patience = 20

    /// Asks at a path, and answers what comes of it with a status below 300. Throws `Failure`, `MissingScopes` and `Refusal`.
    package func ask(
        _ method: String, _ path: String, query: [(name: String, value: String)] = [],
        headers: [(name: String, value: String)] = [], body: [UInt8]? = nil, first most: Int = 1 << 30
    ) async throws -> WebClient.Answer {
        let words = query.map { $0.name + "=" + $0.value.percentEncoded }.joined(separator: "&")
        var request = WebClient.Request(method, address.base + path + (words.isEmpty ? "" : "?" + words))
        request.headers = headers
        if body != nil { request.headers.append(("Content-Type", "application/json")) }
        request.body = body
        let (health, web) = (WebClient.Request("GET", address.base + "/healthz"), web)
        var refused: WebClient.Answer?
        // One that is refused does nothing, so that another may be tried.
        var shown: Set<String> = []
        for find in tokens.all {
            guard let token = try await find(web), shown.insert(token).inserted else { continue }
            var told = request
            told.headers.append(("Authorization", "Bearer \(token)"))
            var answer = try await web.send(told, first: most) { (try? await web.send(health)) != nil }
            // Nothing was done for one that came too soon.
            for _ in 0..<Self.patience where answer.status == 429 {
                let seconds = answer.headers["retry-after"].flatMap { Int64($0) } ?? 1
                try await SystemClock().sleep(for: min(max(seconds, 1), 30) * 1_000_000)
                answer = try await web.send(told, first: most) { (try? await web.send(health)) != nil }
            }
            if answer.status != 401 { return try checked(answer) }
            refused = answer
        }
        guard let refused else {
            // It may ask for none, or not be there.
            let answer = try await web.send(request, first: most) { (try? await web.send(health)) != nil }
            if answer.status != 401 { return try checked(answer) }
            throw Failure.failed("\(address) asks for a token: \(hint), or CARILLON_TOKEN holds one")
        }
        let why = Self.problem(in: refused)?.error.map { ": \($0)" } ?? ""
        throw Failure.failed("\(address) does not take the token\(why); \(hint)")
    }

    private var hint: String { "`carillon login -u \(address) -i ISSUER -c CLIENT_ID` gets one" }

    private struct Problem: Decodable {
        var error: String?
        var code: String?
        var missing: [String]?

        private enum CodingKeys: String, CodingKey {
            case error, code
            case missing = "missing_scopes"
        }
    }

    private static func problem(in answer: WebClient.Answer) -> Problem? {
        try? JSONDecoder().decode(Problem.self, from: answer.body)
    }

    private func checked(_ answer: WebClient.Answer) throws -> WebClient.Answer {
        if answer.status < 300 { return answer }
        if answer.status < 400 {
            let place = answer.headers["location"].map { " to \($0)" } ?? ""
            throw Failure.failed("\(address) sends on\(place); give that address")
        }
        let problem = Self.problem(in: answer)
        if let scopes = problem?.missing, !scopes.isEmpty { throw MissingScopes(scopes: scopes, address: address) }
        guard let message = problem?.error else {
            throw Failure.failed("\(address) answers \(answer.status), and not as Carillon does")
        }
        throw Refusal(status: answer.status, code: problem?.code ?? "\(answer.status)", message: message)
    }
}

/// The tokens that a command may show a daemon, each looked for when the one before was not good.
package struct TokenSource: Sendable {
    package typealias Find = @Sendable (WebClient) async throws -> String?
    let all: [Find]

    package init(_ all: [Find]) { self.all = all }
}
