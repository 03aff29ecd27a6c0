import CarillonCore
import Timetable

/// The clean environment of a child.
struct ChildEnvironment: Sendable {
    /// The daemon's own environment.
    var own: [String: String]
    /// Names that every child inherits.
    var inherited: [String]

    /// What tells the processes of an attempt from all others, its run and attempt beside it.
    static let mark = "CARILLON_MARK"
    static let run = "CARILLON_RUN_ID"
    static let attempt = "CARILLON_ATTEMPT"

    /// Collects, from weak to strong: PATH, HOME, USER and LANG; inherited names; the target's own; those of Carillon.
    func variables(
        for dispatch: Dispatch<ExecTarget>, account: UserAccount
    ) throws(Refusal) -> [String: String] {
        var variables = [
            "PATH": own["PATH"] ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": account.home,
            "USER": account.name,
            "LANG": own["LANG"] ?? "C.UTF-8",
        ]
        for name in inherited + dispatch.target.inheritEnvironment {
            if let value = own[name] { variables[name] = value }
        }
        for (name, value) in dispatch.target.environment {
            guard !name.isEmpty, !name.utf8.contains(UInt8(ascii: "=")) else {
                throw Refusal("the environment name '\(name)' is empty or holds an equals sign")
            }
            variables[name] = value
        }
        variables[Self.mark] = nil
        variables[Self.run] = "\(dispatch.attempt.run)"
        variables["CARILLON_JOB"] = dispatch.job
        variables["CARILLON_SCHEDULED_AT"] = dispatch.scheduledAt.rfc3339
        variables["TRACEPARENT"] = dispatch.attempt.traceparent
        variables[Self.attempt] = "\(dispatch.attempt.attempt)"
        return variables
    }
}
