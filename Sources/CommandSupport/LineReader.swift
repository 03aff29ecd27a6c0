import Foundation

/// Lines of a file or of standard input, as they come.
package final class LineReader {
    private let file: UnsafeMutablePointer<FILE>

    package init?(path: String) {
        guard let file = fopen(path, "re") else { return nil }
        self.file = file
    }

    package init?(_ descriptor: Int32) {
        guard let file = fdopen(dup(descriptor), "r") else { return nil }
        self.file = file
    }

    deinit { fclose(file) }

    /// The next line without its end; nil after the last.
    package func next() -> String? {
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(line) }
        let count = getline(&line, &capacity, file)
        guard count > 0, let line else { return nil }
        let bytes = UnsafeRawBufferPointer(start: line, count: count)
        var text = bytes[...]
        if text.last == UInt8(ascii: "\n") { text.removeLast() }
        if text.last == UInt8(ascii: "\r") { text.removeLast() }
        return String(decoding: text, as: UTF8.self)
    }
}
