import Foundation
import Synchronization

/// Values that many rows share, by the text they were decoded from; bounded.
final class Memo<Value: Decodable & Sendable>: Sendable {
    /// With the text itself: Swift calls some texts equal that are not the same.
    private let known = Mutex<[String: (text: String, value: Value)]>([:])
    private let most = 4096

    func decode(_ text: String) throws -> Value {
        if let known = known.withLock({ $0[text] }), known.text.hasSameBytes(as: text) { return known.value }
        let decoded = try RowCodec.decode(Value.self, text)
        known.withLock {
            if $0.count >= most { $0.removeAll() }
            $0[text] = (text, decoded)
        }
        return decoded
    }
}

extension String {
    /// Whether both are written alike; `==` holds some texts equal that are not.
    fileprivate func hasSameBytes(as other: String) -> Bool {
        let same = utf8.withContiguousStorageIfAvailable { mine in
            other.utf8.withContiguousStorageIfAvailable { others in
                guard mine.count == others.count else { return false }
                // Of an empty one there is no address.
                guard let one = mine.baseAddress, let other = others.baseAddress else { return true }
                return memcmp(one, other, mine.count) == 0
            }
        }
        return (same ?? nil) ?? utf8.elementsEqual(other.utf8)
    }
}
