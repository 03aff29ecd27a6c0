/// A 64-bit hash that never changes between versions, machines or restarts; not for secrets.
///
/// FNV-1a over the bytes, then the finaliser of MurmurHash3 so that every bit of the result is usable.
public enum StableHash {
    /// Hashes the bytes; different seeds give independent values for the same bytes.
    @inlinable
    public static func hash(_ bytes: some Sequence<UInt8>, seed: UInt64 = 0) -> UInt64 {
        var state: UInt64 = 0xcbf2_9ce4_8422_2325 ^ finalise(seed)
        for byte in bytes {
            state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
        }
        return finalise(state)
    }

    @inlinable
    static func finalise(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 33)) &* 0xff51_afd7_ed55_8ccd
        mixed = (mixed ^ (mixed >> 33)) &* 0xc4ce_b9fe_1a85_ec53
        return mixed ^ (mixed >> 33)
    }

    /// Takes a number in `0..<bound` evenly from a hash; 0 when the bound is not positive.
    static func reduce(_ hash: UInt64, below bound: Int64) -> Int64 {
        bound <= 0 ? 0 : Int64(hash.multipliedFullWidth(by: UInt64(bound)).high)
    }
}
