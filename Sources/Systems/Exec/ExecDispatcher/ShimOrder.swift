import CarillonCore

/// The words and variables a shim is started with; `order.h` of the shim names them.
struct ShimOrder: Hashable, Sendable {
    var words: [String]
    var environment: [String]

    /// Puts a target into words; throws `Refusal` for one that cannot be.
    init(
        _ dispatch: Dispatch<ExecTarget>, account: UserAccount, switchesUser: Bool, variables: [String: String],
        configuration: ExecConfiguration
    ) throws(Refusal) {
        let target = dispatch.target
        guard let program = target.arguments.first, !program.isEmpty else { throw Refusal("no program is named") }
        if let directory = target.directory, !directory.hasPrefix("/") {
            throw Refusal("the working directory '\(directory)' must be an absolute path")
        }
        let codes = Set(target.successCodes.filter { (0...255).contains($0) }).sorted().map { "\($0)" }
        let groups = account.groups.map { "\($0)" }.joined(separator: ",")
        words = [
            configuration.shim,
            BootID.current,
            codes.isEmpty ? "-" : codes.joined(separator: ","),
            "-",
            RunLog.path(of: dispatch.attempt.run, job: dispatch.job, in: configuration.stateDirectory),
            "\(configuration.logCap)",
            "\(configuration.grace / 1000)",
            "\(dispatch.startBy ?? 0)",
            // A user's home may be missing, as that of many service users is; a directory somebody asked for may not.
            target.directory.map { "=\($0)" } ?? "?\(account.home)",
            switchesUser ? "\(account.user):\(account.group):\(groups)" : "-",
        ]
        words += target.arguments
        environment = variables.map { "\($0.key)=\($0.value)" }
        if words.contains(where: { $0.utf8.contains(0) }) || environment.contains(where: { $0.utf8.contains(0) }) {
            throw Refusal("an argument or an environment variable holds a NUL")
        }
    }

    /// Adds the status file it goes with, by which everything the program starts is known: `OrphanReaper`.
    func marked(_ file: String) -> ShimOrder {
        var marked = self
        marked.words[3] = file
        marked.environment.append("\(ChildEnvironment.mark)=\(file)")
        return marked
    }
}
