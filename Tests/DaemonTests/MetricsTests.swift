import CarillonTestSupport
import Foundation
import Testing

/// Figures of a real daemon, as Prometheus asks for them.
@Suite(.timeLimit(.minutes(5))) struct MetricsTests {
    private let daemon: DaemonFixture

    init() throws { daemon = try DaemonFixture() }

    private func start(_ settings: String) async throws -> Int {
        let port = try FreePort.find()
        try daemon.folder.write("carillon.toml", "[api]\nlisten = \"127.0.0.1:\(port)\"\n\(settings)")
        try await daemon.start()
        return port
    }

    private func curl(_ port: Int, _ options: String = "") async throws -> [String] {
        let line = "curl -sS -m 20 -w '\\n%{http_code} %{content_type}' \(options) http://127.0.0.1:\(port)/metrics"
        let result = try await daemon.shell(line)
        #expect(result.error.isEmpty, "\(line): \(result.error)")
        return result.lines
    }

    @Test func whoeverHasATokenForItReadsThem() async throws {
        let port = try await start("metrics_tags = [\"watched\"]\n")
        let options = "-H \"Authorization: Bearer $(cat \(daemon.state)/api-token)\""
        #expect(try await curl(port).last?.hasPrefix("401 ") == true)
        let made = try await daemon.carillon("token", "create", "p", "--scope", "jobs:read")
        let weak = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(try await curl(port, "-H 'Authorization: Bearer \(weak)'").last?.hasPrefix("403 ") == true)
        let added = try await daemon.carillon(
            "jobs", "add", "x", "--every", "1h", "--tag", "watched", "--", "/bin/false")
        #expect(added.code == 0, "\(added)")
        _ = try await daemon.carillon("jobs", "run", "x", "--wait")
        let failed = #"carillon_runs_total{state="failed",trigger="manual",target="exec"} 1"#
        try await daemon.eventually("the run is counted") { try await curl(port, options).contains(failed) }
        // What is looked up each five seconds.
        try await daemon.eventually("the feed is told of") {
            try await curl(port, options).contains("carillon_feed_up{feed=\"files\"} 1")
        }
        let lines = try await curl(port, options)
        #expect(lines.last == "200 text/plain; version=0.0.4; charset=utf-8")
        #expect(lines.contains { $0.hasPrefix("carillon_build_info{version=") })
        #expect(lines.contains { $0.hasPrefix("carillon_store_bytes ") })
        #expect(lines.contains { $0.hasPrefix("carillon_store_free_bytes ") })
        #expect(lines.contains { $0.hasPrefix("process_resident_memory_bytes ") })
        let refused = #"carillon_http_requests_total{route="/metrics",method="GET",code="4xx"} 2"#
        #expect(lines.contains(refused), "\(lines.filter { $0.contains("/metrics") })")
        let open = try await curl(port, "\(options) -H 'Accept: application/openmetrics-text; version=1.0.0'")
        #expect(open.last == "200 application/openmetrics-text; version=1.0.0; charset=utf-8")
        #expect(open.dropLast().last == "# EOF")

        let path = try daemon.folder.write("metrics", lines.dropLast().joined(separator: "\n") + "\n")
        let lint = try await daemon.shell("promtool check metrics < '\(path)' 2>&1")
        #expect(lint.code == 0 && lint.output == "", "\(lint)")
        #expect(await daemon.stop() == 0)
    }

    @Test func theyMayBeOpenToAnybody() async throws {
        let port = try await start("metrics = \"open\"\n")
        #expect(try await curl(port).last?.hasPrefix("200 ") == true)
        #expect(try await daemon.shell("curl -s http://127.0.0.1:\(port)/api/v1/jobs").output.contains("no-token"))
        #expect(await daemon.stop() == 0)
    }

    @Test func anythingElseIsRefused() async throws {
        try daemon.folder.write("carillon.toml", "[api]\nmetrics = \"yes\"\n")
        let refused = try await daemon.carillon("serve", "--state-dir", daemon.state)
        #expect(refused.code == 2)
        #expect(refused.error.contains("\"yes\" is none of \"open\", \"token\""), "\(refused.error)")
    }
}
