import CarillonCore
package import CarillonDaemon
import Foundation

/// Standard output and error, and whether a person looks at them.
package enum Terminal {
    package static let isOutputTerminal = isatty(STDOUT_FILENO) == 1
    package static let isErrorTerminal = isatty(STDERR_FILENO) == 1

    /// Columns of the terminal that people look at; nil in a pipe or a file, where nothing is to be cut.
    package static var limit: Int? {
        var size = winsize()
        guard isOutputTerminal, ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    /// Whether times are to be told in few words.
    package static var isNarrow: Bool { limit.map { $0 < 120 } ?? false }

    /// Writes to standard error, line by line, each made fit for a terminal.
    package static func error(_ lines: String) {
        let fit = lines.split(separator: "\n", omittingEmptySubsequences: false).map { String($0).oneLine }
        FileHandle.standardError.write(Data((fit.joined(separator: "\n") + "\n").utf8))
    }

    /// Shows how far long work is, in one line of standard error that the next call replaces; an empty one ends it.
    package static func progress(_ words: String) {
        FileHandle.standardError.write(Data("\r\u{1b}[K\(words.oneLine)".utf8))
    }

    /// Writes a text in a form of its own, such as a job file, to standard output as it is.
    package static func write(_ text: String) { Swift.print(text, terminator: "") }

    /// Writes out what was printed. Throws `Failure` when whoever takes it has no room, or does not take it.
    package static func flush() throws(Failure) {
        guard fflush(nil) != 0, errno != EPIPE else { return }
        throw Failure.failed("the output cannot be written: \(String(cString: strerror(errno)))")
    }

    /// Breaks lines that are longer than the terminal, or than 80 cells, at their blanks; each part keeps the line's indent.
    package static func wrapped(_ text: String) -> String {
        let width = min(limit ?? 80, 100)
        return text.split(separator: "\n", omittingEmptySubsequences: false).map { wrapped($0, width) }
            .joined(separator: "\n")
    }

    private static func wrapped(_ line: Substring, _ width: Int) -> String {
        if String(line).cells <= width { return String(line) }
        let indent = String(line.prefix { $0 == " " })
        var lines = [indent]
        for word in line.dropFirst(indent.count).split(separator: " ", omittingEmptySubsequences: false) {
            let last = lines[lines.count - 1]
            if last.cells + String(word).cells + 1 > width, last != indent {
                lines.append(indent + word)
            } else {
                lines[lines.count - 1] = last == indent ? indent + word : last + " " + word
            }
        }
        return lines.joined(separator: "\n")
    }

    package enum Colour: String {
        case red = "31"
        case green = "32"
        case yellow = "33"
        case blue = "34"
        case grey = "90"
        case bold = "1"
    }

    package static let hasColours =
        isOutputTerminal && ProcessInfo.processInfo.environment["NO_COLOR"] == nil
        && ProcessInfo.processInfo.environment["TERM"] != "dumb"
}
