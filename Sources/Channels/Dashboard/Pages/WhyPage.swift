import CarillonCore
import CarillonEngine
import ControlAPI
import Timetable

/// Why a job ran at a time, or did not.
extension Dashboard {
    var whyPages: [Endpoint] {
        [
            page(
                "/jobs/{name}/why", .jobsRead, "Why a job ran at a time, or did not.",
                query: [.init("at", "A time or a day, in the job's zone; its last one unless it is given.")]
            ) { try await $0.why() }
        ]
    }
}

extension Visit {
    func why() async throws -> Answer {
        let name = call["name"]
        let at = call.query["at"].flatMap { $0.isEmpty ? nil : $0.trimming { $0 == " " } }.map(String.init)
        guard case .why(let view) = try await ask(.why(job: name, time: at)) else { throw Unexpected() }
        let command = "carillon why \(Self.quoted(name))" + (at.map { " --at \(Self.quoted($0))" } ?? "")
        return page(
            "why", title: "Why \(name)?", at: "/jobs",
            Fields([
                "name": name, "path": path("jobs", name), "at": at, "zone": view.timeZone,
                "verdict": view.verdict.words, "class": view.verdict.look,
                "steps": view.steps.map { step in
                    Fields([
                        "class": step.holds.map { $0 ? "good" : "bad" } ?? "waiting",
                        "shape": step.holds.map { $0 ? "✓" : "✕" } ?? "?",
                        "word": step.holds.map { $0 ? "holds" : "does not hold" } ?? "not known",
                        "words": step.words, "check": step.check.rawValue,
                        "runs": step.evidence.runs.prefix(5).map {
                            Fields(["id": $0.prefix(10), "path": path("runs", $0)])
                        },
                        "revision": step.evidence.revision,
                        "by": step.evidence.instance,
                        "after": step.evidence.after.map { moments.full($0, view.timeZone) },
                        "through": step.evidence.through.map { moments.full($0, view.timeZone) },
                    ])
                },
                "lines": view.lines, "next": view.next.map { moments.time($0, view.timeZone) },
                "runs": view.runs.prefix(10).map { Fields(["id": $0.prefix(10), "path": path("runs", $0)]) },
                "command": command,
            ]))
    }

    /// A word of a shell's line.
    private static func quoted(_ text: String) -> String {
        let isPlain = text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.:/+@".contains($0)) }
        return isPlain && !text.isEmpty ? text : "'" + text.replacing("'", with: "'\\''") + "'"
    }
}

extension WhyView.Verdict {
    /// What a person reads.
    var words: String {
        switch self {
        case .ran: "it ran"
        case .skipped: "it did not run"
        case .toCome: "that is still to come"
        case .notScheduled: "nothing is scheduled then"
        case .notPlanned: "nobody has decided about it yet"
        case .paused: "it is held back"
        case .unknown: "the ledger has nothing of it"
        }
    }

    var look: String {
        switch self {
        case .ran: "good"
        case .skipped, .notPlanned: "bad"
        case .toCome, .paused, .notScheduled, .unknown: "waiting"
        }
    }
}
