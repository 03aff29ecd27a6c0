import CarillonEngine
import CarillonTestSupport
import ControlAPI
import Foundation
import Testing

/// The description of the API, which the endpoints themselves write.
@Suite(.timeLimit(.minutes(5))) struct DescriptionTests {
    private static let snapshot = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appending(path: "../../docs/openapi.json")

    /// Nobody changes what clients rely on without seeing it. `CARILLON_WRITE_SNAPSHOT=1` writes it anew.
    @Test func itIsTheOneInTheDocuments() async throws {
        let rig = try await Rig()
        let token = try await rig.token([.jobsRead])
        let reply = try await rig.ask("GET", APIDescription.path, token: token)
        #expect(reply.status == 200)
        var text = try JSONSerialization.data(
            withJSONObject: JSONSerialization.jsonObject(with: reply.body),
            options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        text.append(UInt8(ascii: "\n"))
        if ProcessInfo.processInfo.environment["CARILLON_WRITE_SNAPSHOT"] != nil { try text.write(to: Self.snapshot) }
        #expect(try Data(contentsOf: Self.snapshot) == text, "CARILLON_WRITE_SNAPSHOT=1 writes docs/openapi.json anew")
        try await rig.stop()
    }

    /// What is called a body's example is one.
    @Test func theExamplesAreTaken() async throws {
        let rig = try await Rig()
        let token = try await rig.token(Scope.all)
        // They speak of a job of this name.
        for (method, path, status) in [
            ("POST", "/api/v1/jobs", 201), ("PUT", "/api/v1/jobs/{name}/definition", 200),
            ("POST", "/api/v1/preview", 200), ("POST", "/api/v1/jobs/{name}/backfill", 201),
            ("POST", "/api/v1/pause", 200), ("POST", "/api/v1/resume", 200), ("POST", "/api/v1/jobs/{name}/runs", 201),
            ("POST", "/api/v1/operations", 202), ("POST", "/api/v1/tokens", 201),
            ("DELETE", "/api/v1/jobs/{name}", 204), ("POST", "/api/jobs", 201), ("PATCH", "/api/jobs/{name}", 204),
        ] {
            let endpoint = try #require(rig.endpoints.first { $0.method.rawValue == method && $0.path == path })
            let place = path.replacing("{name}", with: "report")
            var reply = try await rig.ask(method, place, token: token, body: endpoint.body?.example)
            // No worker that takes arguments is there.
            if path.hasSuffix("/runs") {
                #expect(reply.status == 400 && reply.text.contains("takes no arguments"), "\(reply.text)")
                reply = try await rig.ask(method, place, token: token)
            }
            #expect(reply.status == status, "\(method) \(path): \(reply.text)")
            #expect(endpoint.successes.contains { $0.status == reply.status })
            // With a key more it is refused, and the key is named.
            guard let example = endpoint.body?.example else { continue }
            let strange = example.dropLast() + #","strange":1}"#
            let refused = try await rig.ask(method, place, token: token, body: String(strange))
            #expect(refused.status == 400 || refused.status == 404, "\(method) \(path): \(refused.text)")
            if refused.status == 400 { #expect(refused.text.contains("strange"), "\(refused.text)") }
        }
        let all = Set(rig.endpoints.filter { $0.body != nil }.map { $0.method.rawValue + $0.path })
        #expect(all.count == 13, "another one has a body: \(all)")
        try await rig.stop()
    }

    /// An answer has the keys that are described, and no others.
    @Test func answersAreAsDescribed() async throws {
        let rig = try await Rig()
        let token = try await rig.token(Scope.all)
        let job = #"{"name":"report","cron":"0 9 * * *","bus":{},"tags":["eu"]}"#
        #expect(try await rig.ask("POST", "/api/v1/jobs", token: token, body: job).status == 201)
        let run = try await rig.ask("POST", "/api/v1/jobs/report/runs", token: token)
        let id = try #require((run.object["run"] as? [String: Any])?["id"] as? String)
        let begun = try await rig.ask(
            "POST", "/api/v1/operations", token: token, body: #"{"action":"stop","jobs":{"name":["report"]}}"#)
        let operation = try #require(begun.object["id"] as? String, "\(begun.text)")
        var looked = 0
        for endpoint in rig.endpoints where endpoint.method == .get {
            guard case .object(_, let fields)? = endpoint.successes.first?.schema else { continue }
            let path = endpoint.path.replacing("{name}", with: "report")
                .replacing("operations/{id}", with: "operations/\(operation)").replacing("{id}", with: id)
            let values = ["from": "2026-11-21T00:00:00Z", "until": "2027-01-01T00:00:00Z", "job": "report"]
            let query = try endpoint.query.filter(\.isRequired).map { "\($0.name)=\(try #require(values[$0.name]))" }
            let reply = try await rig.ask("GET", path + "?" + query.joined(separator: "&"), token: token)
            guard reply.status == 200 else {
                // A bus's routes know no cron.
                #expect(path.hasPrefix("/api/jobs/") || path.hasSuffix("/missed"), "\(path): \(reply.text)")
                continue
            }
            let needed = Set(fields.filter(\.isRequired).map(\.name))
            let keys = Set(reply.object.keys)
            #expect(needed.isSubset(of: keys) && keys.isSubset(of: Set(fields.map(\.name))), "\(path): \(reply.text)")
            looked += 1
        }
        #expect(looked > 12)
        try await rig.stop()
    }
}
