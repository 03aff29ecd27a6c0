import CarillonCore
import Logging
import Timetable

/// Holding back what would go out, for this instance and all others.
extension Engine {
    /// Holds all dispatching back for a reason, perhaps until a time; without a reason it goes on. Outlives the process.
    ///
    /// One change after the other: with `ending` only as long as the pause is still the one that ends then.
    func setPause(_ pause: Pause?, ending end: Timestamp? = nil) async throws {
        try await changePause { engine in
            if let end, engine.pause?.until != end { return }
            try await engine.store.setNote(Pause.note, pause?.text)
            engine.pause = pause
            await engine.send(.paused(pause?.reason))
        }
    }

    /// The same for the jobs with a tag.
    func setPause(_ pause: Pause?, tag: String, ending end: Timestamp? = nil) async throws {
        try await changePause { engine in
            let before = engine.pausedTags[tag]
            if let end, before?.until != end { return }
            var tags = engine.pausedTags
            tags[tag] = pause
            tags[tag]?.since = pause?.reason == before?.reason ? before?.since : engine.clock.now
            try await engine.store.setNote(Pause.tagsNote, tags.isEmpty ? nil : JSONText.encode(tags))
            engine.pausedTags = tags
            await engine.send(.tagPaused(tag, pause?.reason))
        }
    }

    /// Takes up what another instance has paused, or lets go on.
    ///
    /// Answers what that is, in one word.
    func readPauses() async throws -> String {
        let noted = try await pausesNoted()
        try await changePause { engine in
            // Read in turn with what this instance pauses itself.
            let all = try await engine.store.note(Pause.note).map(Pause.init)
            let tags = Pause.ofTags(try await engine.store.note(Pause.tagsNote))
            if engine.pause != all {
                engine.pause = all
                await engine.send(.paused(all?.reason))
            }
            for tag in Set(tags.keys).union(engine.pausedTags.keys) where engine.pausedTags[tag] != tags[tag] {
                engine.pausedTags[tag] = tags[tag]
                await engine.send(.tagPaused(tag, tags[tag]?.reason))
            }
        }
        return noted
    }

    /// What is noted as held back, in one word; none for nothing.
    func pausesNoted() async throws -> String {
        let notes = (try await store.note(Pause.note), try await store.note(Pause.tagsNote))
        if notes.0 == nil, notes.1 == nil { return "" }
        var digest = RowDigest()
        digest.add([.text(notes.0 ?? ""), .text(notes.1 ?? "")])
        return String(digest.value, radix: 16)
    }

    /// Changes what is paused, after the change before.
    private func changePause(_ body: @escaping @Sendable (isolated Engine) async throws -> Void) async throws {
        let before = pausing
        let change = Task {
            try? await before?.value
            try await body(self)
        }
        pausing = change
        try await change.value
    }

    /// Goes on where a pause is over.
    func endPausesInTime() async {
        if let end = pause?.until, end <= clock.now { await endPause(tag: nil, end) }
        for (tag, pause) in pausedTags {
            if let end = pause.until, end <= clock.now { await endPause(tag: tag, end) }
        }
    }

    private func endPause(tag: String?, _ end: Timestamp) async {
        do {
            if let tag {
                try await setPause(nil, tag: tag, ending: end)
                logger.notice("jobs go on: the time of their pause is over", metadata: ["tag": "\(tag)"])
            } else {
                try await setPause(nil, ending: end)
                if pause == nil { logger.notice("dispatching goes on: the time of the pause is over") }
            }
        } catch {
            _ = note(error)
        }
    }
}
