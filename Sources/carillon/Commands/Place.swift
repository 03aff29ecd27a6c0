import ArgumentParser
import CarillonConfiguration
import Foundation
import Timetable

/// Where a daemon lives: `--config` and `--state`, on every command.
struct Place: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Configuration file, or the folder that holds carillon.toml and jobs.d (CARILLON_CONFIG).",
            valueName: "file"))
    var config: String?

    @Option(
        help: ArgumentHelp("State directory: store, run logs and control socket (CARILLON_STATE).", valueName: "dir"))
    var state: String?

    private var environment: [String: String] { ProcessInfo.processInfo.environment }
    private var isRoot: Bool { geteuid() == 0 }

    /// An absolute path.
    var stateDirectory: String {
        if let given = state ?? environment["CARILLON_STATE"], !given.isEmpty { return Self.absolute(given) }
        if isRoot { return "/var/lib/carillon" }
        let base =
            environment["XDG_STATE_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? NSHomeDirectory() + "/.local/state"
        return base + "/carillon"
    }

    /// The file asked for, which must exist, or the one that would be read if it did.
    func configFile() throws -> (path: String, exists: Bool) {
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

    var socketPath: String { stateDirectory + "/control.sock" }

    /// The settings in force, from file and environment.
    func settings(zones: ZoneDatabase) throws -> Settings {
        let file = try configFile()
        do {
            return try SettingsReader(zones: zones, environment: environment).read(file: file.exists ? file.path : nil)
        } catch let error as ConfigurationError {
            throw Failure.input(error.description)
        }
    }

    static func absolute(_ path: String) -> String {
        let expanded = (path as NSString).expandingTildeInPath
        let full = expanded.hasPrefix("/") ? expanded : FileManager.default.currentDirectoryPath + "/" + expanded
        return (full as NSString).standardizingPath
    }
}
