package import ExecDispatcher
import Foundation

/// What a program will miss on this machine.
extension ExecKeys {
    package static func warnings(_ body: ExecTarget) -> [(key: String, message: String)] {
        var words: [(key: String, message: String)] = []
        if let user = body.user, getpwnam(user) == nil {
            words.append(("user", "this machine has no user '\(user)'"))
        }
        var isFolder: ObjCBool = false
        if let directory = body.directory,
            !FileManager.default.fileExists(atPath: directory, isDirectory: &isFolder) || !isFolder.boolValue
        {
            words.append(("directory", "there is no directory '\(directory)'"))
        }
        if case .argv(let arguments) = body.command, let program = arguments.first, !isThere(program, body) {
            words.append(("exec", "there is no program '\(program)'"))
        }
        return words
    }

    /// Whether the child would find a program: the path itself, or in its own PATH.
    private static func isThere(_ program: String, _ body: ExecTarget) -> Bool {
        if program.contains("/") {
            let path = program.hasPrefix("/") ? program : (body.directory ?? NSHomeDirectory()) + "/" + program
            return access(path, X_OK) == 0
        }
        let path = body.environment["PATH"] ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return path.split(separator: ":").contains { access("\($0)/\(program)", X_OK) == 0 }
    }
}
