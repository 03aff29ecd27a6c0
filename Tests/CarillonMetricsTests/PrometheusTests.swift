import CarillonCore
import CarillonMetrics
import CarillonTestSupport
import Foundation
import Testing
import Timetable

/// What is shipped for Prometheus and Grafana, against promtool and against what is exported.
@Suite(.timeLimit(.minutes(5))) struct PrometheusTests {
    private static let promtool = "/usr/bin/promtool"
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../..")
        .standardizedFileURL.path
    private static let packaging = root + "/packaging/prometheus"

    private static func file(_ name: String) throws -> String {
        try String(contentsOfFile: packaging + "/" + name, encoding: .utf8)
    }

    @Test func theRulesAreGood() async throws {
        _ = try await Program.output(Self.promtool, ["check", "rules", Self.packaging + "/carillon.rules.yml"])
        _ = try await Program.output(Self.promtool, ["test", "rules", Self.packaging + "/carillon.rules.test.yml"])
    }

    /// Each has what whoever is woken by it wants to know.
    @Test func eachAlertSaysWhatToDo() throws {
        let rules = try Self.file("carillon.rules.yml").components(separatedBy: "- alert: ").dropFirst()
        #expect(rules.count > 10)
        for rule in rules {
            for part in ["expr:", "severity: ", "summary: ", "description: "] {
                #expect(rule.contains(part), "\(rule)")
            }
        }
    }

    @Test func theRulesNameWhatIsExported() throws {
        Self.check(try Self.file("carillon.rules.yml"))
    }

    @Test func theDashboardAsksForWhatIsExported() async throws {
        let text = try Self.file("carillon-dashboard.json")
        let dashboard = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let panels = try #require(dashboard["panels"] as? [[String: Any]])
        let expressions = panels.flatMap {
            ($0["targets"] as? [[String: Any]] ?? []).compactMap { $0["expr"] as? String }
        }
        #expect(expressions.count > 30)
        #expect(Set(panels.compactMap { $0["id"] as? Int }).count == panels.count)
        var rules = "groups:\n  - name: dashboard\n    rules:\n"
        for (number, expression) in expressions.enumerated() {
            Self.check(expression)
            // What Grafana puts there.
            let asked = expression.replacingOccurrences(of: "$instance", with: ".*")
                .replacingOccurrences(of: "$__rate_interval", with: "5m")
            #expect(!asked.contains("$"), "\(asked)")
            rules +=
                "      - record: dashboard:\(number)\n        expr: '\(asked.replacingOccurrences(of: "'", with: "''"))'\n"
        }
        let folder = try TemporaryFolder()
        let path = try folder.write("dashboard.yml", rules)
        _ = try await Program.output(Self.promtool, ["check", "rules", path])
    }

    /// Records an issue for each metric in a text that no daemon exports, and for labels that it does not have.
    private static func check(_ text: String) {
        var known: Set<String> = ["carillon_rules", "carillon_dashboard"]
        for family in MetricFamily.carillon {
            known.insert(family.name)
            if family.kind == .histogram { known.formUnion(["_bucket", "_sum", "_count"].map { family.name + $0 }) }
        }
        for match in text.matches(of: /\b(carillon_[a-z0-9_]+)(?:\{([^}]*)\})?/) {
            let name = String(match.output.1)
            #expect(known.contains(name), "\(name) is exported by nobody")
            guard let labels = match.output.2,
                let family = MetricFamily.carillon.first(where: { name.hasPrefix($0.name) })
            else { continue }
            for label in labels.matches(of: /([a-z_]+)(?:=~|!=|!~|=)"/) {
                let known = family.labels + ["instance", "le"]
                #expect(known.contains(String(label.output.1)), "\(name) has no label \(label.output.1)")
            }
        }
        for match in text.matches(of: /\bprocess_[a-z_]+/) {
            let exported = MetricsRegistry().text(.text)
            #expect(exported.contains("# TYPE \(match.output) "), "\(match.output) is exported by nobody")
        }
    }

    @Test func whatAnEngineTellsIsCleanForPromtool() async throws {
        let bad = Job(
            name: "bad \"one\"\\", schedule: ScheduleText(.once(Samples.noon.plus(5).rfc3339)),
            target: try Target(SampleTarget("bad")), tags: ["watched"])
        let rig = try await Rig(watching: ["watched"], jobs: [bad], due: Samples.noon.plus(5))
        try await rig.until(#"carillon_jobs{state="failing"}"#, is: 1)
        let folder = try TemporaryFolder()
        let path = try folder.write("metrics", rig.registry.text(.text))
        let lint = try await Program.output("/bin/sh", ["-c", "\(Self.promtool) check metrics < '\(path)' 2>&1"])
        #expect(lint == "")
        try await rig.stop()
    }

    /// docs/metrics.md has all of them, by type and labels, and no other.
    @Test func thePageHasEach() throws {
        let page = try String(contentsOfFile: Self.root + "/docs/metrics.md", encoding: .utf8)
        var rows: [String: String] = [:]
        for line in page.split(separator: "\n") where line.hasPrefix("| `carillon_") {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            rows[cells[0].replacingOccurrences(of: "`", with: "")] = cells[1...2].joined(separator: " | ")
        }
        for family in MetricFamily.carillon {
            let labels = family.labels.map { "`\($0)`" }.joined(separator: ", ")
            #expect(rows[family.name] == "\(family.kind.rawValue) | \(labels)", "\(family.name)")
            rows[family.name] = nil
        }
        #expect(rows.isEmpty, "\(rows)")
    }
}
