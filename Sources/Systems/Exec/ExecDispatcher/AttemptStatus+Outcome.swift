import CarillonCore
import Glibc

extension AttemptStatus {
    /// Says how the attempt ended, in the ledger's words; `tail` reads the end of its output, for failures only.
    func ending(_ end: End, tail: (Int64) -> String?) -> DispatchEvent.What {
        if let trouble = end.passingTrouble { return .unsent(trouble) }
        var outcome: Outcome
        switch end.how {
        case .exit(let code):
            if !end.wasCancelled, (claim?.successCodes ?? [0]).contains(code) {
                return .succeeded(Outcome(exitCode: code))
            }
            outcome = Outcome(exitCode: code, error: "exit code \(code)")
        case .signal(let number):
            outcome = Outcome(signal: number, error: "killed by signal \(number)\(Self.name(ofSignal: number))")
        case .error(let text, _): outcome = Outcome(error: text)
        }
        outcome.outputTail = tail(end.output)
        return end.wasCancelled ? .cancelled(outcome) : .failed(outcome)
    }

    private static func name(ofSignal number: Int32) -> String {
        let names: [Int32: String] = [
            SIGHUP: "SIGHUP", SIGINT: "SIGINT", SIGQUIT: "SIGQUIT", SIGILL: "SIGILL", SIGTRAP: "SIGTRAP",
            SIGABRT: "SIGABRT", SIGBUS: "SIGBUS", SIGFPE: "SIGFPE", SIGKILL: "SIGKILL", SIGUSR1: "SIGUSR1",
            SIGSEGV: "SIGSEGV", SIGUSR2: "SIGUSR2", SIGPIPE: "SIGPIPE", SIGALRM: "SIGALRM", SIGTERM: "SIGTERM",
            SIGXCPU: "SIGXCPU", SIGXFSZ: "SIGXFSZ", SIGSYS: "SIGSYS",
        ]
        return names[number].map { " (\($0))" } ?? ""
    }
}
