public import CarillonCore

/// A function that a worker of Python RQ calls.
public struct RQTarget: TargetBody {
    public static let kind = Target.Kind(rawValue: "rq")

    /// How the call is written for the worker; it must be started with the same one.
    public enum Serializer: String, Hashable, Sendable, Codable, CaseIterable { case pickle, json }

    /// Dotted path: `package.module.function`.
    public var function: String
    public var arguments: [PlainValue]
    public var keywords: [PlainValue.Entry]
    /// Without the prefix that a whole site's queues may have.
    public var queue: String
    /// Seconds after which the worker ends the call; -1 means never.
    public var timeout: Int64
    /// Seconds that Redis keeps a result; 0 keeps none, -1 for ever.
    public var resultTTL: Int64
    public var serializer: Serializer
    /// What the worker logs; the call itself when nil.
    public var describedAs: String?

    /// RQ's own defaults (`Queue.DEFAULT_TIMEOUT`, `DEFAULT_RESULT_TTL`).
    public static let defaultTimeout: Int64 = 180
    public static let defaultResultTTL: Int64 = 500

    public init(
        function: String, arguments: [PlainValue] = [], keywords: [PlainValue.Entry] = [], queue: String = "default",
        timeout: Int64 = RQTarget.defaultTimeout, resultTTL: Int64 = RQTarget.defaultResultTTL,
        serializer: Serializer = .pickle, describedAs: String? = nil
    ) {
        self.function = function
        self.arguments = arguments
        self.keywords = keywords
        self.queue = queue
        self.timeout = timeout
        self.resultTTL = resultTTL
        self.serializer = serializer
        self.describedAs = describedAs
    }

    public var summary: String { "\(function) on \(queue)" }

    public var fault: String? {
        if function.isEmpty { return "it names no function" }
        if queue.isEmpty { return "it names no queue" }
        if timeout < -1 || resultTTL < -1 { return "its seconds are below -1" }
        let values = arguments + keywords.map(\.value)
        if values.contains(where: { $0.nests(deeperThan: PlainValue.deepest) }) {
            return "its arguments nest deeper than \(PlainValue.deepest) levels"
        }
        return nil
    }

    /// Decodes; what an older release did not write has its default.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(function: try fields.decode(String.self, forKey: .function))
        arguments = try fields.decodeIfPresent([PlainValue].self, forKey: .arguments) ?? []
        keywords = try fields.decodeIfPresent([PlainValue.Entry].self, forKey: .keywords) ?? []
        queue = try fields.decodeIfPresent(String.self, forKey: .queue) ?? queue
        timeout = try fields.decodeIfPresent(Int64.self, forKey: .timeout) ?? timeout
        resultTTL = try fields.decodeIfPresent(Int64.self, forKey: .resultTTL) ?? resultTTL
        serializer = try fields.decodeIfPresent(Serializer.self, forKey: .serializer) ?? serializer
        describedAs = try fields.decodeIfPresent(String.self, forKey: .describedAs)
    }
}
