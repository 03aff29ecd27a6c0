import Foundation
import Glibc

/// What the kernel knows of a process and of those it started (proc(5)).
enum ProcessFamily {
    /// Finds the processes whose parent it is.
    static func children(of parent: pid_t) -> [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter { facts($0)?.parent == parent }
    }

    /// Answers `T` for one that is stopped; nil for one that is gone, or dead and not yet waited for.
    static func state(_ process: pid_t) -> Substring? { facts(process)?.state }

    private static func facts(_ process: pid_t) -> (state: Substring, parent: pid_t?)? {
        // The second field, the program's name, may hold anything; field 3 follows its last parenthesis.
        guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            let parenthesis = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: parenthesis)...].split(separator: " ")
        guard fields.count > 1, fields[0] != "Z", fields[0] != "X" else { return nil }
        return (fields[0], pid_t(fields[1]))
    }
}
