import CarillonConfiguration
import CarillonCore
import CarillonDaemon
package import CarillonEngine
import ControlSocket
import Foundation
import Timetable

/// Brings an order to the daemon; a question is answered from the store when none runs.
package struct DaemonClient {
    private let place: DaemonLocation

    package init(place: DaemonLocation) { self.place = place }

    package func ask(_ order: Order) async throws -> Reply {
        do {
            return try check(try await ControlClient(path: place.socketPath).send(order))
        } catch is ControlClient.NoDaemon {
            return try await answerWithoutDaemon(order)
        } catch let error as OrderError {
            throw Failure.failed(error.message)
        }
    }

    private func answerWithoutDaemon(_ order: Order) async throws -> Reply {
        let zones = ZoneDatabase()
        let settings = try place.settings(zones: zones)
        let composition = Composition.current
        let driver = try composition.store(settings.storeURL)
        do {
            guard let store = try driver.look(settings.storeURL, state: place.stateDirectory) else {
                throw Failure.failed(
                    "no daemon runs in \(place.stateDirectory), and there is no store; start one with `carillon serve`")
            }
            let queries = QueryService(store: store, zones: zones, checked: composition.checked)
            let answer = try await queries.answer(order, now: SystemClock().now)
            try await store.close()
            guard let answer else {
                throw Failure.failed("no daemon runs in \(place.stateDirectory); start one with `carillon serve`")
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
    package func tell(_ order: Order) async throws {
        switch try await ask(order) {
        case .done(let sentence): say("\(sentence)")
        default: throw Failure.failed("the daemon gave an answer of another kind")
        }
    }

    /// For orders that open a run.
    package func open(_ order: Order, json: Bool) async throws {
        guard case .started(let run) = try await ask(order) else {
            throw Failure.failed("the daemon gave an answer of another kind")
        }
        if json { return try say(json: run) }
        say("run \(run.id) of \(run.job) is on its way; see `carillon runs show \(run.id)`")
    }

    package func jobs(_ order: Order) async throws -> [JobView] {
        guard case .jobs(let views) = try await ask(order) else {
            throw Failure.failed("the daemon gave an answer of another kind")
        }
        return views
    }

    package func runs(_ order: Order) async throws -> [RunView] {
        guard case .runs(let views) = try await ask(order) else {
            throw Failure.failed("the daemon gave an answer of another kind")
        }
        return views
    }

    package func feeds() async throws -> [FeedView] {
        guard case .feeds(let views) = try await ask(.feeds) else {
            throw Failure.failed("the daemon gave an answer of another kind")
        }
        return views
    }
}
