package import ArgumentParser
import CarillonCore
import CarillonDaemon
import CarillonEngine
import Foundation
import Timetable

/// What a shell offers for the words that only a daemon knows.
extension CompletionKind {
    /// Names of jobs.
    package static var jobs: CompletionKind {
        .custom { words, _, prefix async in
            let pattern = Self.quoted(prefix) + "*"
            let query = JobQuery(names: [pattern], limit: 200)
            return ((try? await Self.client(words)?.jobs(query).views) ?? []).map(\.name)
        }
    }

    /// Ids of runs, the newest.
    package static var runs: CompletionKind {
        .custom { words, _, prefix async in
            let runs = (try? await Self.client(words)?.runs(.runs(RunQuery(limit: 50)))) ?? []
            return runs.map(\.shortID).filter { $0.hasPrefix(prefix) }
        }
    }

    /// Names of time zones.
    package static var zones: CompletionKind {
        .custom { _, _, prefix in ZoneDatabase().names.filter { $0.hasPrefix(prefix) } }
    }

    /// A client of the daemon that the words so far are about; nil where they make no sense.
    private static func client(_ words: [String]) -> DaemonClient? {
        var options: [String] = []
        for (place, word) in words.enumerated()
        where ["--state-dir", "--config", "--url", "-u", "--context"].contains(word) && place + 1 < words.count {
            options += [word, words[place + 1]]
        }
        return (try? DaemonLocation.parse(options + ["--client-timeout", "1s"])).map {
            DaemonClient(place: $0, isQuiet: true)
        }
    }

    /// The text as a pattern that means itself.
    private static func quoted(_ text: String) -> String {
        text.map { "*?[".contains($0) ? "[\($0)]" : String($0) }.joined()
    }
}
