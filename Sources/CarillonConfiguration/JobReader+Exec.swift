import CarillonCore

/// The keys of a program.
extension JobReader {
    func readExec(_ table: inout TableReader) -> Target? {
        let words = table.strings("exec")
        let line = table.string("shell")
        let environment = table.environment("env") ?? [:]
        let inherit = table.strings("inherit_env") ?? []
        let directory = table.string("directory")
        let user = table.string("user")
        let input = table.anyString("input")
        let codes = readSuccessCodes(&table)
        let command: ExecTarget.Command
        switch (words, line) {
        case (let words?, nil):
            if words.first?.isEmpty ?? true {
                table.complain("exec", "expected a program and its arguments: [\"/usr/bin/program\", \"argument\"]")
            }
            command = .argv(words)
        case (nil, let line?):
            if line.allSatisfy(\.isWhitespace) { table.complain("shell", "the line is empty") }
            command = .shell(line)
        default:
            return nil  // Of the wrong type, and complained of.
        }
        let target = ExecTarget(
            command, environment: environment, inheritEnvironment: inherit, directory: directory, user: user,
            input: input, successCodes: codes)
        return sealed(target, words == nil ? "shell" : "exec", &table)
    }

    private func readSuccessCodes(_ table: inout TableReader) -> [Int32] {
        guard let found = table.value("success_codes") else { return [0] }
        guard case .array(let nodes) = found.value else {
            table.complain("success_codes", "expected a list of exit codes, found \(found.kind)")
            return [0]
        }
        return nodes.compactMap { node in
            if case .integer(let code) = node.value, (0...255).contains(code) { return Int32(code) }
            table.complain("success_codes", "an exit code is a whole number, 0 to 255", line: node.line)
            return nil
        }
    }
}
