import CarillonCore
import CarillonEngine
import CarillonTestSupport
import MemoryStore
import Testing
import Timetable

/// What had to hold for a time to become a run, step by step.
@Suite struct ExplanationTests {
    private let store = MemoryStore()
    private let noon = Samples.noon

    private func why(_ time: Timestamp?) async throws -> WhyView {
        let queries = QueryService(store: store, zones: ZoneDatabase(), retention: { .standard })
        let order = Order.why(job: "a", time: time?.rfc3339)
        guard case .why(let view)? = try await queries.answer(order, now: noon.plus(10)) else {
            throw StoreError(.refused, "another answer")
        }
        return view
    }

    /// Opens a run a minute before noon, and skips noon for a reason.
    private func fill(_ reason: SkipReason) async throws -> Run {
        let term = try await store.join("a")
        let add = JobChange.add(Samples.job("a"), cursor: noon.plus(-90), nextDue: noon.plus(-60), skips: [])
        let job = try #require(try await store.apply([add], now: noon.plus(-90)).first?.stored)
        let run = Samples.run(job, at: noon.plus(-60), store: try await store.storeID())
        let skip = Samples.skip(job, after: noon.plus(-60), through: noon, reason)
        let opened = try await store.openRuns(
            [
                JobAdvance(
                    id: job.id, revision: job.revision, from: job.cursor, to: noon, nextDue: noon.plus(60), runs: [run],
                    skips: [skip])
            ], under: term, now: noon)
        var written = try #require(opened.new.first)
        written.state = .running
        written.startedAt = noon.plus(-60)
        _ = try await store.record([written], under: term, now: noon)
        return written
    }

    @Test func whatStoodInTheWayIsNamed() async throws {
        let run = try await fill(.overlap)
        let skipped = try await why(noon)
        #expect(skipped.verdict == .skipped)
        #expect(
            skipped.steps.map(\.check) == [.scheduled, .on, .readable, .planned, .dispatching, .reachable, .room])
        #expect(skipped.steps.map(\.holds) == Array(repeating: true, count: 6) + [false])
        #expect(skipped.steps.last?.evidence.runs == [run.id.description])
        #expect(skipped.steps.last?.evidence.through == noon)
        let ran = try await why(noon.plus(-60))
        #expect(ran.steps.map(\.check) == WhyView.Check.allCases)
        #expect(ran.steps.dropLast().allSatisfy { $0.holds == true } && ran.steps.last?.holds == nil)
    }

    @Test(arguments: SkipReason.allCases)
    func eachReasonIsOfOneThing(reason: SkipReason) async throws {
        _ = try await fill(reason)
        let steps = try await why(noon).steps
        #expect(steps.count { $0.holds == false } == 1 && steps.last?.holds == false, "\(steps)")
        #expect(steps.last?.words.hasPrefix(reason.words) == true)
    }

    @Test func whatIsNotScheduledOrStillToCome() async throws {
        _ = try await fill(.overlap)
        let other = try await why(noon.plus(-30))
        #expect(other.steps.map(\.check) == [.scheduled] && other.steps.first?.holds == false, "\(other)")
        let later = try await why(noon.plus(120))
        #expect(later.steps.map(\.holds) == [true, nil])
        #expect(try await why(nil).steps.last?.check == .room)
    }
}
