package import ArgumentParser
package import CarillonConfiguration
import CarillonDaemon
import Foundation
package import Timetable

/// Where a daemon lives, and how long it is waited for: options of every command.
package struct DaemonLocation: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Configuration file, or the folder that holds carillon.toml and jobs.d (CARILLON_CONFIG).",
            valueName: "file"))
    package var config: String?

    @Option(
        name: .customLong("state-dir"),
        help: ArgumentHelp("State directory: store, run logs and control socket (CARILLON_STATE).", valueName: "dir"))
    package var state: String?

    @Option(
        name: [.customShort("u"), .customLong("url")],
        help: ArgumentHelp("Ask a daemon elsewhere, over its API (CARILLON_URL).", valueName: "url"))
    package var url: String?

    @Option(help: ArgumentHelp("The same by its name (CARILLON_CONTEXT); `local` is this machine.", valueName: "name"))
    package var context: String?

    @Option(
        name: .customLong("client-timeout"),
        help: ArgumentHelp("Give a daemon up that is silent for so long.", valueName: "span"))
    private var silence: String = "5s"

    package init() {}

    package func validate() throws {
        if url != nil, context != nil { throw ValidationError("give --url or --context, not both") }
        guard let span = try? Span.parse(silence), span >= 100_000 else {
            throw ValidationError("--client-timeout: expected a length of time of 100ms or more, such as 5s")
        }
    }

    /// Seconds.
    package var patience: Double { Double((try? Span.parse(silence)) ?? 5_000_000) / 1_000_000 }

    private var environment: [String: String] { ProcessInfo.processInfo.environment }
    private var isRoot: Bool { geteuid() == 0 }

    /// An absolute path.
    package var stateDirectory: String {
        if let given = state ?? environment["CARILLON_STATE"], !given.isEmpty { return Self.absolute(given) }
        if isRoot { return "/var/lib/carillon" }
        let base =
            environment["XDG_STATE_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? NSHomeDirectory() + "/.local/state"
        return base + "/carillon"
    }

    /// The file asked for, which must exist, or the one that would be read if it did.
    package func configFile() throws -> (path: String, exists: Bool) {
        if let given = config ?? environment["CARILLON_CONFIG"], !given.isEmpty {
            var path = Self.absolute(given)
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
                throw Failure.input("\(given): no such file")
            }
            if isFolder.boolValue { path += "/carillon.toml" }
            return (path, FileManager.default.fileExists(atPath: path))
        }
        // A state directory of its own is a daemon of its own: it does not run the system's jobs.
        let folder: String
        if state != nil || environment["CARILLON_STATE"] != nil {
            folder = stateDirectory
        } else if isRoot {
            folder = "/etc/carillon"
        } else {
            let base =
                environment["XDG_CONFIG_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? NSHomeDirectory() + "/.config"
            folder = base + "/carillon"
        }
        let path = folder + "/carillon.toml"
        return (path, FileManager.default.fileExists(atPath: path))
    }

    package var socketPath: String { stateDirectory + "/control.sock" }

    /// The settings in force, from file and environment.
    package func settings(zones: ZoneDatabase) throws -> Settings {
        let file = try configFile()
        return try Self.settings(zones) { try $0.read(file: file.exists ? file.path : nil) }
    }

    /// The settings in force where another scheduler's file was translated into our own keys.
    package static func settings(_ node: ConfigNode, source: String, zones: ZoneDatabase) throws -> Settings {
        try settings(zones) { try $0.read(node, source: source) }
    }

    private static func settings(_ zones: ZoneDatabase, _ read: (SettingsReader) throws -> Settings) throws -> Settings
    {
        let environment = ProcessInfo.processInfo.environment
        do {
            return try read(Composition.current.settingsReader(zones: zones, environment: environment))
        } catch let error as ConfigurationError {
            throw Failure.input(error.description)
        }
    }

    package static func absolute(_ path: String) -> String {
        let expanded = (path as NSString).expandingTildeInPath
        let full = expanded.hasPrefix("/") ? expanded : FileManager.default.currentDirectoryPath + "/" + expanded
        return (full as NSString).standardizingPath
    }
}
