import FoundationEssentials
import Timetable

extension Job {
    /// Equal for equal definitions, on every machine and for ever; the origin's feed is left out.
    public func digest() -> UInt64 {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        // Every field of a job encodes: there is no number that is not finite and no key that is not text.
        guard let data = try? encoder.encode(self) else { return 0 }
        return data.withUnsafeBytes { StableHash.hash($0) }
    }
}
