import CarillonCore
import Timetable

/// Holds back and goes on: with everything, or with the jobs that have a tag.
extension OrderService {
    func pause(_ reason: String, _ length: Int64?, _ tags: [String]) async throws -> String {
        let pause = Pause(reason: reason, until: length.map { engine.clock.now.adding(microseconds: $0) })
        let end = "paused\(length.map { " for \(Span.format($0))" } ?? ""): \(reason)"
        if tags.isEmpty {
            try await engine.setPause(pause)
            return "dispatching is \(end)\(try await exceptions())"
        }
        var counts: [String] = []
        for tag in tags {
            try await engine.setPause(pause, tag: tag)
            counts.append("\(tag) (\(Self.jobs(try await engine.store.count(JobQuery(tags: [tag])))))")
        }
        return
            "\(tags.count == 1 ? "tag" : "tags") \(counts.joined(separator: ", ")) \(tags.count == 1 ? "is" : "are") \(end)"
            + (try await exceptions())
    }

    /// Waits until every instance holds that back; says which ones have not said so.
    private func exceptions() async throws -> String {
        let late = try await engine.untilOthersPause()
        return late.isEmpty ? "" : "; not heard of yet by \(late.joined(separator: ", "))"
    }

    func resume(_ tags: [String]) async throws -> String {
        if tags.isEmpty {
            try await engine.setPause(nil)
            let left = await engine.pausedTags.keys.sorted()
            return "dispatching goes on"
                + (left.isEmpty
                    ? "" : "; still paused: tag \(left.joined(separator: ", tag ")), see `carillon resume --tag`")
        }
        let paused = await engine.pausedTags
        if let other = tags.first(where: { paused[$0] == nil }) {
            throw OrderError(.refused, "tag \(other) is not paused")
        }
        for tag in tags { try await engine.setPause(nil, tag: tag) }
        let all = await engine.pause.map { "; all dispatching is still paused: \($0.reason)" } ?? ""
        return "jobs with \(tags.count == 1 ? "tag" : "tags") \(tags.joined(separator: ", ")) go on\(all)"
    }

    private static func jobs(_ count: Int) -> String { count == 1 ? "1 job" : "\(count) jobs" }
}
