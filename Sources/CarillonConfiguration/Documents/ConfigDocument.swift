public import CarillonCore

/// Reads a file of any of the three formats into nodes.
public enum ConfigDocument {
    public enum Format: Sendable {
        case toml, yaml, json

        /// Goes by the file's ending; nil for any other.
        public init?(path: String) {
            switch path.split(separator: ".").last?.lowercased() {
            case "toml": self = .toml
            case "yaml", "yml": self = .yaml
            case "json": self = .json
            default: return nil
            }
        }
    }

    /// Reads a file; throws a `ConfigProblem` with file and line, also for one of more than `limit` bytes.
    public static func read(path: String, limit: Int = Bounds.bytes) throws(ConfigProblem) -> ConfigNode {
        guard let format = Format(path: path) else {
            throw ConfigProblem(source: path, message: "the name must end in .toml, .yaml, .yml or .json")
        }
        return try read(path: path, format: format, limit: limit)
    }

    /// Reads a file whatever its name. Throws a `ConfigProblem` with file and line.
    public static func read(
        path: String, format: Format, limit: Int = Bounds.bytes
    ) throws(ConfigProblem) -> ConfigNode {
        try parse(try TextFile.read(path, limit: limit), format, path)
    }

    /// Reads a text, within `Bounds`. Throws a `ConfigProblem` with the line.
    public static func read(_ text: String, format: Format, path: String) throws(ConfigProblem) -> ConfigNode {
        try parse(try TextFile.checked(text, path: path), format, path)
    }

    private static func parse(_ text: String, _ format: Format, _ path: String) throws(ConfigProblem) -> ConfigNode {
        switch format {
        case .toml: try TOMLDocument.read(text, path: path)
        case .yaml: try YAMLDocument.read(text, path: path)
        case .json: try JSONDocument.read(text, path: path)
        }
    }
}
