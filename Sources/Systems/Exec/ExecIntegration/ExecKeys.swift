package import CarillonConfiguration
package import CarillonCore
package import ExecDispatcher

/// The keys of a program.
package enum ExecKeys: TargetKeys {
    package static let chosenBy = ["exec", "shell"]
    package static let beside = ["env", "inherit_env", "directory", "user", "input", "success_codes"]
    package static let defaultOverlap = Overlap.skip
    package static let executor = "a program"

    package static func read(_ job: inout ConfigTable) -> ExecTarget? {
        let words = job.strings("exec")
        let line = job.string("shell")
        let environment = job.environment("env") ?? [:]
        let inherit = job.strings("inherit_env") ?? []
        let directory = job.string("directory")
        let user = job.string("user")
        let input = job.anyString("input")
        let codes = readSuccessCodes(&job)
        let command: ExecTarget.Command
        switch (words, line) {
        case (let words?, nil):
            if words.first?.isEmpty ?? true {
                job.complain("exec", "expected a program and its arguments: [\"/usr/bin/program\", \"argument\"]")
            }
            command = .argv(words)
        case (nil, let line?):
            if line.allSatisfy(\.isWhitespace) { job.complain("shell", "the line is empty") }
            command = .shell(line)
        default:
            return nil  // Of the wrong type, and complained of.
        }
        return ExecTarget(
            command, environment: environment, inheritEnvironment: inherit, directory: directory, user: user,
            input: input, successCodes: codes)
    }

    package static func write(_ body: ExecTarget) -> [(key: String, value: ConfigNode)] {
        var keys: [(key: String, value: ConfigNode)] = []
        func add(_ key: String, _ value: ConfigNode?) {
            if let value { keys.append((key, value)) }
        }
        switch body.command {
        case .argv(let words): add("exec", .texts(words))
        case .shell(let line): add("shell", .text(line))
        }
        let environment = body.environment.sorted { $0.key < $1.key }
        if !environment.isEmpty {
            add("env", ConfigNode(.table(environment.map { ($0.key, ConfigNode(.string($0.value))) })))
        }
        if !body.inheritEnvironment.isEmpty { add("inherit_env", .texts(body.inheritEnvironment)) }
        add("directory", .text(body.directory))
        add("user", .text(body.user))
        add("input", .text(body.input))
        if body.successCodes != [0] {
            add("success_codes", ConfigNode(.array(body.successCodes.map { ConfigNode(.integer(Int64($0))) })))
        }
        return keys
    }

    private static func readSuccessCodes(_ job: inout ConfigTable) -> [Int32] {
        guard let found = job.value("success_codes") else { return [0] }
        guard case .array(let nodes) = found.value else {
            job.complain("success_codes", "expected a list of exit codes, found \(found.kind)")
            return [0]
        }
        return nodes.compactMap { node in
            if case .integer(let code) = node.value, (0...255).contains(code) { return Int32(code) }
            job.complain("success_codes", "an exit code is a whole number, 0 to 255", line: node.line)
            return nil
        }
    }
}
