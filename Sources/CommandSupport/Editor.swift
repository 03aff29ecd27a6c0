import BlockingConnection
import CarillonConfiguration
package import CarillonDaemon
import Foundation

/// A text in the editor of whoever asks for it.
package struct Editor {
    /// The file that is edited; nobody else may read it.
    package let path: String
    private let folder: String

    /// Writes the text into a file of its own, which `remove` takes away. Throws `Failure`.
    package init(_ text: String) throws(Failure) {
        let folder = FileManager.default.temporaryDirectory.path + "/carillon-edit-" + UUID().uuidString.prefix(8)
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
            try text.write(toFile: folder + "/job.toml", atomically: false, encoding: .utf8)
        } catch {
            throw Failure.failed("cannot write a file to edit: \(error.localizedDescription)")
        }
        self.folder = folder
        path = folder + "/job.toml"
    }

    package func remove() { try? FileManager.default.removeItem(atPath: folder) }

    /// Returns when the editor has ended. Throws `Failure` when it failed.
    package func open() async throws {
        let environment = ProcessInfo.processInfo.environment
        let command = [environment["VISUAL"], environment["EDITOR"]].compactMap { $0 }.first { !$0.isEmpty } ?? "vi"
        // As git does: the variable may hold options. It has the terminal, so it must stay in our group of processes.
        let line = "\(command) \(FileTrust.quoted(path))"
        let status: Int32 = try await withCheckedThrowingContinuation { continuation in
            do {
                try BlockingThread.start(name: "editor") { continuation.resume(returning: system(line)) }
            } catch {
                continuation.resume(throwing: Failure.failed("\(error)"))
            }
        }
        guard status == 0 else {
            throw Failure.failed("\(command) ended with exit code \(status >> 8); nothing was changed")
        }
    }

    /// Asks a person; without one the answer is no.
    package func asks(_ question: String) -> Bool {
        guard isatty(STDIN_FILENO) == 1 else { return false }
        Terminal.error(question + " [Y/n]")
        return !(readLine() ?? "n").lowercased().hasPrefix("n")
    }
}
