import CarillonCore
import Glibc

/// Starts attempts, on a thread that may wait for the disk, the user database and the new process.
struct Launcher: Sendable {
    let configuration: ExecConfiguration
    let environment: ChildEnvironment
    let own: UserAccount
    let reporter: Reporter
    let spawner: Spawner

    /// Takes a place for each attempt, in order; nil where it is to be launched. Never waits.
    func reserve(_ batch: [Dispatch<ExecTarget>]) -> [DispatchResult?] {
        batch.map { dispatch in
            switch reporter.roster.enter(
                dispatch.attempt, job: dispatch.job, shim: .starting, capacity: configuration.capacity)
            {
            case .present: .known
            case .full: .unavailable("\(configuration.capacity) programs run already")
            case .entered: nil
            }
        }
    }

    /// Gives back a place that was taken for nothing.
    func giveBack(_ attempt: AttemptID) { reporter.roster.giveBack(attempt) }

    /// Launches attempts that have their place.
    func launch(_ batch: [Dispatch<ExecTarget>]) -> [DispatchResult] {
        // For one batch only: users change while the daemon runs.
        var accounts: [String: UserAccount] = [:]
        return batch.map { launch($0, &accounts) }
    }

    private func launch(
        _ dispatch: Dispatch<ExecTarget>, _ accounts: inout [String: UserAccount]
    ) -> DispatchResult {
        let attempt = dispatch.attempt
        do {
            let order = try order(for: dispatch, &accounts)
            guard let status = try reporter.directory.create(attempt) else {
                // Of an earlier process, or it ended and nobody has acknowledged that yet.
                reporter.roster.giveBack(attempt)
                reporter.tell(reporter.resume(attempt, job: dispatch.job))
                return .known
            }
            return start(dispatch, order.marked(status.identity), status, input: dispatch.target.input)
        } catch let refusal as Refusal {
            reporter.roster.giveBack(attempt)
            return .refused(refusal.text)
        } catch {
            reporter.roster.giveBack(attempt)
            return unavailable(error)
        }
    }

    private func unavailable(_ error: any Error) -> DispatchResult {
        // Whatever else stands in the way is still to be seen when somebody asks.
        if let error = error as? SystemError, SystemError.isPassing(error.code) { reporter.note(trouble: "\(error)") }
        return .unavailable("\(error)")
    }

    private func start(
        _ dispatch: Dispatch<ExecTarget>, _ order: ShimOrder, _ status: borrowing Descriptor, input: String?
    ) -> DispatchResult {
        do {
            let child = try spawner.start(order, status: status, input: input)
            // Our copy of the status file is still open, so nobody has heard of the end yet, however soon it came.
            reporter.roster.settle(dispatch.attempt, as: .child(child))
            return .accepted
        } catch {
            reporter.directory.remove(dispatch.attempt)
            reporter.roster.giveBack(dispatch.attempt)
            if error.code == E2BIG { return .refused("its arguments and environment are too long") }
            return unavailable(error)
        }
    }

    private func order(
        for dispatch: Dispatch<ExecTarget>, _ accounts: inout [String: UserAccount]
    ) throws -> ShimOrder {
        let account = try account(for: dispatch.target, &accounts)
        return try ShimOrder(
            dispatch, account: account, switchesUser: account.user != own.user,
            variables: environment.variables(for: dispatch, account: account),
            configuration: configuration)
    }

    /// Says why no attempt of a target will ever start; nil when they may.
    func refusal(of target: ExecTarget) -> String? {
        guard let name = target.user, name != own.name, own.user != 0 else { return nil }
        return "only a daemon of root may run a program as '\(name)'; this one runs as '\(own.name)'"
    }

    private func account(for target: ExecTarget, _ accounts: inout [String: UserAccount]) throws -> UserAccount {
        guard let name = target.user, name != own.name else { return own }
        if let refusal = refusal(of: target) { throw Refusal(refusal) }
        if let account = accounts[name] { return account }
        guard let account = try UserAccount.named(name) else { throw Refusal("there is no user '\(name)'") }
        accounts[name] = account
        return account
    }
}
