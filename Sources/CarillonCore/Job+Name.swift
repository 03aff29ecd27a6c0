import Foundation

extension Job {
    /// Gives a name its one spelling: Unicode's composed form (NFC, UAX #15), so that what looks the same is the same.
    ///
    /// Swift compares texts by equivalence, a store and the outside by bytes; in this form the two agree.
    public static func canonical(_ name: String) -> String {
        name.utf8.allSatisfy { $0 < 0x80 } ? name : name.precomposedStringWithCanonicalMapping
    }
}
