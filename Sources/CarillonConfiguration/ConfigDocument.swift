import CarillonCore
import Foundation

/// Reads a file of any of the three formats into nodes.
public enum ConfigDocument {
    public enum Format: Sendable {
        case toml, yaml, json

        /// By the file's ending; nil for any other.
        public init?(path: String) {
            switch path.split(separator: ".").last?.lowercased() {
            case "toml": self = .toml
            case "yaml", "yml": self = .yaml
            case "json": self = .json
            default: return nil
            }
        }
    }

    /// The largest file read, in bytes.
    public static let largest = 256 << 20

    /// Throws a `FeedProblem` with file and line.
    public static func read(path: String) throws(FeedProblem) -> ConfigNode {
        guard let format = Format(path: path) else {
            throw FeedProblem(source: path, message: "the name must end in .toml, .yaml, .yml or .json")
        }
        return try read(path: path, format: format)
    }

    /// Reads a file whatever its name. Throws a `FeedProblem` with file and line.
    public static func read(path: String, format: Format) throws(FeedProblem) -> ConfigNode {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw FeedProblem(source: path, message: "cannot be read: \(Self.why(error))")
        }
        guard data.count <= largest else {
            throw FeedProblem(source: path, message: "is larger than \(largest >> 20) MiB")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw FeedProblem(source: path, message: "is not UTF-8 text")
        }
        return try read(text, format: format, path: path)
    }

    public static func read(_ text: String, format: Format, path: String) throws(FeedProblem) -> ConfigNode {
        // Yams marks the line of every value, and JSON is YAML.
        switch format {
        case .toml: try TOMLDocument.read(text, path: path)
        case .yaml, .json: try YAMLDocument.read(text, path: path)
        }
    }

    static func why(_ error: any Error) -> String {
        let error = error as NSError
        if let posix = error.userInfo[NSUnderlyingErrorKey] as? NSError, posix.domain == NSPOSIXErrorDomain {
            return String(cString: strerror(Int32(posix.code)))
        }
        switch CocoaError.Code(rawValue: error.code) {
        case .fileReadNoSuchFile, .fileNoSuchFile: return "no such file"
        case .fileReadNoPermission: return "permission denied"
        default: return error.localizedDescription
        }
    }
}
