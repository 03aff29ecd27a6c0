import APIClient
import CarillonConfiguration
package import CarillonCore
package import CarillonDaemon
package import CarillonEngine
import ControlSocket
package import Foundation
import Synchronization
import Timetable

/// Brings an order to the daemon; a question is answered from the store when none runs.
package struct DaemonClient {
    private let place: DaemonLocation
    /// Nothing was answered without a daemon yet.
    private static let isFirst = Atomic(true)

    private let isQuiet: Bool

    /// `isQuiet` says nothing on standard error, as where a shell asks what words there are.
    package init(place: DaemonLocation, isQuiet: Bool = false) {
        self.place = place
        self.isQuiet = isQuiet
    }

    /// Throws `Failure`, with an exit code of its own where no daemon runs and where it does not answer.
    package func ask(_ order: Order) async throws -> Reply {
        do {
            if let remote = try place.remote() { return try check(await place.client(of: remote).send(order)) }
        } catch let error as APIClient.MissingScopes {
            throw error.failure
        }
        let clock = SystemClock()
        let deadline = clock.uptime + Int64(place.patience * 1_000_000)
        while true {
            do {
                return try check(
                    try await ControlClient(path: place.socketPath, patience: place.patience).send(order))
            } catch is ControlClient.NoDaemon {
                guard StateLock.isHeld(place.stateDirectory) else { return try await answerWithoutDaemon(order) }
                // It starts or stops just now, or somebody took its socket away and it is about to make another.
                guard clock.uptime < deadline else {
                    throw Failure.noAnswer(
                        "a daemon runs in \(place.stateDirectory), and nobody listens at \(place.socketPath)")
                }
                try await clock.sleep(for: 50_000)
            } catch let error as ControlClient.NoAnswer {
                throw Failure.noAnswer(
                    "\(error)" + (order.isQuestion ? "" : "; once it does, it may still do what was ordered"))
            } catch let error as ControlClient.NotAllowed {
                throw Failure.failed("\(error)")
            } catch let error as OrderError {
                throw Failure.failed(error.message)
            }
        }
    }

    private func answerWithoutDaemon(_ order: Order) async throws -> Reply {
        var facts = stat()
        if stat(place.stateDirectory, &facts) == 0, geteuid() != 0, facts.st_uid != geteuid() {
            throw Failure.noDaemon(
                "no daemon runs in \(place.stateDirectory), and what the last one left is for "
                    + "\(FileTrust.name(ofUser: facts.st_uid)) alone")
        }
        let zones = ZoneDatabase()
        let settings = try place.settings(zones: zones)
        let composition = Composition.current
        let driver = try composition.driver(of: settings.store)
        do {
            guard let store = try await driver.look(settings.store, state: place.stateDirectory) else {
                throw Failure.noDaemon(
                    "no daemon runs in \(place.stateDirectory), and there is no store; start one with `carillon serve`")
            }
            let queries = QueryService(
                store: store, zones: zones, retention: { settings.retention }, checked: composition.checked)
            let answer = try await queries.answer(order, now: SystemClock().now)
            try await store.close()
            guard let answer else {
                throw Failure.noDaemon(
                    "no daemon runs in \(place.stateDirectory); start one with `carillon serve`")
            }
            if !isQuiet, Self.isFirst.exchange(false, ordering: .relaxed) {
                Terminal.error("no daemon runs in \(place.stateDirectory); this is what the last one left")
            }
            return answer
        } catch let error as OrderError {
            throw Failure(code: error.code == .bad ? 2 : 1, message: error.message)
        } catch let error as StoreError {
            throw Failure.failed(error.message)
        }
    }

    private func check(_ reply: Reply) throws -> Reply {
        if case .failed(let code, let message) = reply { throw Failure(code: code == "bad" ? 2 : 1, message: message) }
        return reply
    }

    /// For orders that are carried out and answered with a sentence.
    package func done(_ order: Order) async throws -> String {
        guard case .done(let sentence) = try await ask(order) else { throw Self.otherKind }
        return sentence
    }

    /// The same, said.
    package func tell(_ order: Order, json: Bool = false) async throws {
        let sentence = try await done(order)
        if json { try say(json: JSONObject([("done", sentence)])) } else { say(sentence: "\(sentence)") }
    }

    package static let otherKind = Failure.failed("the daemon gave an answer of another kind")

    /// For orders that open a run; says what becomes of it.
    @discardableResult
    package func open(_ order: Order, json: Bool) async throws -> RunView {
        guard case .started(let run, let note) = try await ask(order) else { throw Self.otherKind }
        if json {
            try say(json: run)
        } else if let note {
            say(sentence: "run \(run.id) of \(run.job) is opened: \(note)")
        } else {
            say(sentence: "run \(run.id) of \(run.job) is on its way")
        }
        return run
    }

    /// Waits until a run has ended. Throws `Failure` with the program's exit code, or 1, unless it completed.
    package func wait(for run: RunView, json: Bool) async throws {
        let clock = SystemClock()
        var pause: Int64 = 20_000
        while true {
            guard let view = try await runs(.run(run.id)).first else { throw Self.otherKind }
            if view.state.isFinal {
                if json { try say(json: view) } else { say(sentence: "run \(view.id) of \(view.job) \(view.ending)") }
                if view.state == .completed { return }
                throw Failure(code: view.exitCode.flatMap { $0 == 0 ? nil : $0 } ?? 1, message: "")
            }
            try await clock.sleep(for: pause)
            pause = min(pause * 2, 500_000)
        }
    }

    /// A page of jobs, and how many there are when that is more.
    package func jobs(_ query: JobQuery) async throws -> (views: [JobView], total: Int?) {
        guard case .jobs(let views, let total) = try await ask(.jobs(query)) else { throw Self.otherKind }
        return (views, total)
    }

    /// The same as lines of JSON.
    package func lines(_ query: JobQuery) async throws -> JobLines {
        guard case .lines(let lines) = try await ask(.jobs(query, asLines: true)) else { throw Self.otherKind }
        return lines
    }

    package func job(_ name: String) async throws -> JobView? {
        guard case .jobs(let views, _) = try await ask(.job(name)) else { throw Self.otherKind }
        return views.first
    }

    package func definition(_ name: String) async throws -> (job: Job, revision: Int64) {
        guard case .definition(let job, let revision) = try await ask(.definition(name)) else { throw Self.otherKind }
        return (job, revision)
    }

    package func runs(_ order: Order) async throws -> [RunView] {
        guard case .runs(let views) = try await ask(order) else {
            throw Failure.failed("the daemon gave an answer of another kind")
        }
        return views
    }

    /// Reads what a run has written, from this byte on.
    package func output(_ run: String, from offset: Int64) async throws -> Data {
        var all = Data()
        while true {
            guard case .output(let text, let next) = try await ask(.output(run: run, from: offset + Int64(all.count)))
            else { throw Self.otherKind }
            all += Data(base64Encoded: text) ?? Data()
            if next == offset + Int64(all.count), text.isEmpty { return all }
        }
    }

    package func feeds() async throws -> [FeedView] {
        guard case .feeds(let views) = try await ask(.feeds) else {
            throw Failure.failed("the daemon gave an answer of another kind")
        }
        return views
    }

    /// What is wrong where jobs come from, as far as whoever asks may know.
    package func problems() async throws -> [ConfigProblem] {
        guard let remote = try place.remote() else { return try await feeds().flatMap(\.problems) }
        do {
            guard case .feeds(let views) = try check(await place.client(of: remote).send(.feeds)) else {
                throw Self.otherKind
            }
            return views.flatMap(\.problems)
        } catch is APIClient.MissingScopes {
            return []
        }
    }

    package func instances() async throws -> (views: [InstanceView], orphans: Int) {
        guard case .instances(let views, let orphans) = try await ask(.instances) else { throw Self.otherKind }
        return (views, orphans)
    }
}
