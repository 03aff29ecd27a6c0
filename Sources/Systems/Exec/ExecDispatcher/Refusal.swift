/// Why a target can never be started, in the words of `DispatchResult.refused`.
struct Refusal: Error, Hashable {
    var text: String

    init(_ text: String) { self.text = text }
}
