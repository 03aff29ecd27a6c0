import CarillonCore
import CarillonEngine
import Foundation
import KeijiFeed
package import Logging
package import Timetable

/// Log lines as text for people or as JSON for machines, to whatever takes lines.
package struct LineLogHandler: LogHandler {
    package enum Format: Sendable {
        case text, json
        /// keiji's form, in this zone.
        case logfmt(Zone)
    }

    /// The log's own, unless this handler has one.
    package var logLevel: Logger.Level {
        get { own ?? sink.level }
        set { own = newValue }
    }
    private var own: Logger.Level?
    package var metadata: Logger.Metadata = [:]
    private let label: String
    private let format: Format
    private let sink: LogSink
    private let clock = SystemClock()

    package init(label: String, level: Logger.Level? = nil, format: Format, sink: LogSink) {
        self.label = label
        self.own = level
        self.format = format
        self.sink = sink
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        if let error = event.error { all["error"] = "\(error)" }
        write(event, all.sorted { $0.key < $1.key })
    }

    private func write(_ event: LogEvent, _ all: [(key: String, value: Logger.Metadata.Value)]) {
        switch format {
        case .json:
            let fields: [(key: String, value: any Encodable)] =
                [("time", clock.now), ("level", event.level.rawValue), ("message", "\(event.message)")]
                + all.map { ($0.key, "\($0.value)") }
            // Texts and a time can always be written.
            if let line = try? PublicJSON.encode(JSONObject(fields)) { sink.write(line) }
        case .logfmt(let zone):
            let pairs = all.map { " \($0.key)=\(KeijiLog.word("\($0.value)"))" }.joined()
            let level =
                switch event.level {
                case .trace, .debug: "DEBUG"
                case .info, .notice: "INFO"
                case .warning: "WARN"
                case .error, .critical: "ERROR"
                }
            sink.write(KeijiLog.line(clock.now, zone, level, "\(event.message)") + pairs)
        case .text:
            let pairs = all.map { " \($0.key.oneLine)=\(Self.word("\($0.value)"))" }.joined()
            let stamp = Timestamp(seconds: clock.now.seconds)
            sink.write("\(stamp) \(event.level.rawValue.padded(8))\("\(event.message)".oneLine)\(pairs)")
        }
    }

    private static func word(_ text: String) -> String {
        text.unicodeScalars.contains { $0 == " " || $0 == "\"" || $0.isUnfitForLine }
            ? (try? PublicJSON.encode(text)) ?? text : text
    }
}
