public import CarillonCore

/// What tests have executed where it does not matter what.
public struct SampleTarget: TargetBody {
    public static let kind = Target.Kind(rawValue: "sample")

    public var name: String

    public init(_ name: String = "sample") { self.name = name }

    public var summary: String { name }

    public var fault: String? { name.isEmpty ? "it names nothing" : nil }
}

extension Samples {
    /// A sealed `SampleTarget`.
    public static let target = Target(kind: SampleTarget.kind, summary: "sample", body: #"{"name":"sample"}"#)
}
