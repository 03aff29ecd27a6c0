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
