import CarillonCore
import Foundation
import Timetable

/// A task's log in keiji's place and form: one line `time=… level=… msg=…` for each line of output.
public struct KeijiLog: Sendable {
    private let folders: KeijiFolders
    private let zone: Zone
    /// Bytes past which a log is rotated; nil never.
    private let largest: Int64?
    /// Where a run's output is.
    private let output: @Sendable (Run) -> String

    public init(folders: KeijiFolders, zone: Zone, largest: Int64?, output: @escaping @Sendable (Run) -> String) {
        self.folders = folders
        self.zone = zone
        self.largest = largest
        self.output = output
    }

    /// Appends what the run wrote; a failed one's lines are errors, and its own error follows.
    func append(_ run: Run, of task: KeijiTask) async {
        guard let path = folders.log(of: task) else { return }
        let (zone, largest, source) = (zone, largest, output(run))
        // Files may be on a slow disk: not on one of the few threads of the pool.
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            DispatchQueue.global().async {
                Self.append(run, from: source, to: path, zone, largest)
                done.resume()
            }
        }
    }

    private static func append(_ run: Run, from source: String, to path: String, _ zone: Zone, _ largest: Int64?) {
        let text = (try? String(decoding: Data(contentsOf: URL(fileURLWithPath: source)), as: UTF8.self)) ?? ""
        var lines = text.split(whereSeparator: \.isNewline).map(String.init)
        let isError = run.state == .failed
        if isError, let error = run.outcome.error { lines.append("[ task error ]: \(error)") }
        guard !lines.isEmpty else { return }
        let level = isError ? "ERROR" : "INFO"
        let time = run.endedAt ?? run.createdAt
        let folder = (path as NSString).deletingLastPathComponent
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        rotate(path, largest)
        guard let file = fopen(path, "ae") else { return }
        defer { fclose(file) }
        for line in lines { fputs(Self.line(time, zone, level, line) + "\n", file) }
    }

    /// As Go's `slog.TextHandler` writes it: milliseconds, and quotes where a word needs them.
    public static func line(_ time: Timestamp, _ zone: Zone, _ level: String, _ message: String) -> String {
        "time=\(time.text(in: zone, milliseconds: true)) level=\(level) msg=\(word(message))"
    }

    public static func word(_ text: String) -> String {
        let isPlain =
            !text.isEmpty
            && text.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value != 0x7f && $0 != "\"" && $0 != "=" }
        if isPlain { return text }
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case "\t": quoted += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\x" + String(repeating: "0", count: 2 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    private static func rotate(_ path: String, _ largest: Int64?) {
        var info = stat()
        guard let largest, stat(path, &info) == 0, Int64(info.st_size) >= largest else { return }
        rename(path, path + ".1")
    }
}
