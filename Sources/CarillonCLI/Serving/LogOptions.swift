import ArgumentParser
import CarillonConfiguration
import CarillonDaemon
import CommandSupport
import Foundation
import Logging
import Timetable

/// Where the daemon's log goes, and how it is written; counts more than the settings.
struct LogOptions: ParsableArguments {
    @Option(help: "trace, debug, info, notice, warning or error.") var logLevel: String?
    @Option(help: "text, json or logfmt.") var logFormat: String?
    @Option(help: ArgumentHelp("Log to this file instead of standard error; - is standard output.", valueName: "file"))
    var logFile: String?

    func override(_ log: inout Settings.Log) throws {
        if let text = logLevel {
            guard let level = Settings.LogLevel(rawValue: text.lowercased()) else {
                throw Failure.input("--log-level: '\(text)' is no level")
            }
            log.level = level
        }
        if let text = logFormat {
            guard let format = Settings.LogFormat(rawValue: text) else {
                throw Failure.input("--log-format: '\(text)' is none of text, json, logfmt")
            }
            log.format = format
        }
        if let logFile { log.file = logFile == "-" ? logFile : DaemonLocation.absolute(logFile) }
    }

    static func sink(_ log: Settings.Log) throws -> LogSink {
        if log.file == "-" { return try LogSink(descriptor: STDOUT_FILENO) }
        if log.format == .logfmt, let file = log.file {
            // keiji makes its folders by itself.
            let folder = (file as NSString).deletingLastPathComponent
            try? FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        }
        guard let file = log.file else { return try LogSink(descriptor: STDERR_FILENO) }
        return try LogSink(path: file, largest: log.largest, keep: log.keep)
    }

    static func level(_ log: Settings.Log) -> Logger.Level {
        Logger.Level(rawValue: (log.level ?? .info).rawValue) ?? .info
    }

    static func logger(_ log: Settings.Log, to sink: LogSink, zone: Zone) -> Logger {
        let format: LineLogHandler.Format =
            switch log.format {
            case .json: .json
            case .logfmt: .logfmt(zone)
            case .text, nil: .text
            }
        sink.level = level(log)
        let logger = Logger(label: "carillon") { LineLogHandler(label: $0, format: format, sink: sink) }
        sink.whenLost { lines in
            logger.warning("log lines were left out; nobody took them", metadata: ["lines": "\(lines)"])
        }
        return logger
    }
}
