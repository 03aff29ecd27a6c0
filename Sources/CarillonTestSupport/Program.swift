import Foundation

/// A program that runs to its end.
public enum Program {
    /// Finds where it is on this machine; throws when it is not installed.
    static func find(_ name: String) throws -> String {
        let folders = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin", "/bin"]
        guard let path = folders.map({ $0 + "/" + name }).first(where: FileManager.default.isExecutableFile) else {
            throw ConformanceFailure(description: "there is no \(name) on this machine; scripts/test.sh installs it")
        }
        return path
    }

    /// Answers what it writes; throws when it fails.
    public static func output(_ path: String, _ arguments: [String]) async throws -> String {
        // A wait for a process blocks its thread: not one of the few that run the tests.
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Result { try blocking(path, arguments) })
            }
        }
    }

    private static func blocking(_ path: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        let (output, error) = (Pipe.unshared(), Pipe.unshared())
        process.standardOutput = output
        process.standardError = error
        process.standardInput = FileHandle.nullDevice
        try process.start()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let complaint = String(decoding: error.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.awaitEnd()
        guard process.terminationStatus == 0 else {
            throw ConformanceFailure(description: "\(path) failed: \(complaint)")
        }
        return text
    }
}

/// Python packages that `scripts/test.sh` installs.
public enum VirtualEnvironment {
    /// Answers a path below `.build/venvs` of the package; throws when nothing is installed there.
    public static func program(_ path: String) throws -> String {
        let program = try file(path)
        guard FileManager.default.isExecutableFile(atPath: program) else {
            throw ConformanceFailure(description: "\(program) is no program")
        }
        return program
    }

    /// Finds a file of one.
    public static func file(_ path: String) throws -> String {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = root.path + "/.build/venvs/" + path
        guard FileManager.default.fileExists(atPath: file) else {
            throw ConformanceFailure(description: "there is no \(file); scripts/test.sh installs it")
        }
        return file
    }
}
