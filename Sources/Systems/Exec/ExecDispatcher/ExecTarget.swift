public import CarillonCore

/// A program this machine runs.
public struct ExecTarget: TargetBody {
    public static let kind = Target.Kind(rawValue: "exec")

    public enum Command: Hashable, Sendable, Codable {
        /// The program and its arguments; the program is looked up in the child's `PATH` when it holds no slash.
        case argv([String])
        /// A line for `/bin/sh -c`.
        case shell(String)
    }

    public var command: Command
    /// Added to the clean environment of a child.
    public var environment: [String: String]
    /// Names that pass through from the daemon's own environment.
    public var inheritEnvironment: [String]
    /// Working directory; the user's home when nil.
    public var directory: String?
    /// Runs as this user; only a daemon of root may name another.
    public var user: String?
    /// What the child reads on standard input; nothing when nil.
    public var input: String?
    /// Exit codes that mean success.
    public var successCodes: [Int32]

    public init(
        _ command: Command, environment: [String: String] = [:], inheritEnvironment: [String] = [],
        directory: String? = nil, user: String? = nil, input: String? = nil, successCodes: [Int32] = [0]
    ) {
        self.command = command
        self.environment = environment
        self.inheritEnvironment = inheritEnvironment
        self.directory = directory
        self.user = user
        self.input = input
        self.successCodes = successCodes
    }

    public var arguments: [String] {
        switch command {
        case .argv(let words): words
        case .shell(let line): ["/bin/sh", "-c", line]
        }
    }

    public var summary: String {
        switch command {
        case .argv(let words): words.joined(separator: " ")
        case .shell(let line): line
        }
    }

    public var fault: String? {
        if arguments.first?.isEmpty ?? true { return "it names no program" }
        if arguments.contains(where: { $0.utf8.contains(0) }) { return "an argument holds a NUL character" }
        if !successCodes.allSatisfy({ (0...255).contains($0) }) { return "an exit code is a whole number, 0 to 255" }
        return nil
    }

    /// Decodes; what an older release did not write has its default.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(try fields.decode(Command.self, forKey: .command))
        environment = try fields.decodeIfPresent([String: String].self, forKey: .environment) ?? [:]
        inheritEnvironment = try fields.decodeIfPresent([String].self, forKey: .inheritEnvironment) ?? []
        directory = try fields.decodeIfPresent(String.self, forKey: .directory)
        user = try fields.decodeIfPresent(String.self, forKey: .user)
        input = try fields.decodeIfPresent(String.self, forKey: .input)
        successCodes = try fields.decodeIfPresent([Int32].self, forKey: .successCodes) ?? successCodes
    }
}
