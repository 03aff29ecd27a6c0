import Synchronization

/// Values that many rows share, by the text they were decoded from; bounded.
final class Memo<Value: Decodable & Sendable>: Sendable {
    private let known = Mutex<[String: Value]>([:])
    private let most = 4096

    func decode(_ text: String) throws -> Value {
        if let known = known.withLock({ $0[text] }) { return known }
        let decoded = try RowCodec.decode(Value.self, text)
        known.withLock {
            if $0.count >= most { $0.removeAll() }
            $0[text] = decoded
        }
        return decoded
    }
}
