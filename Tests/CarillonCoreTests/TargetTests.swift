import CarillonCore
import CarillonTestSupport
import Testing

/// What is sealed, and what only the right hand opens.
@Suite struct TargetTests {
    @Test func aSealedBodyComesBack() throws {
        let target = try Target(SampleTarget("caf\u{e9} / \u{1}"))
        #expect(target.kind.rawValue == "sample" && target.summary == "caf\u{e9} / \u{1}")
        #expect(try target.open(as: SampleTarget.self) == SampleTarget("caf\u{e9} / \u{1}"))
        #expect(Samples.target == (try Target(SampleTarget())))
    }

    @Test func whatHasAFaultIsNeitherSealedNorOpened() {
        #expect(throws: TargetFault("it names nothing")) { try Target(SampleTarget("")) }
        let stored = Target(kind: SampleTarget.kind, summary: "", body: #"{"name":""}"#)
        #expect(throws: TargetFault("it names nothing")) { try stored.open(as: SampleTarget.self) }
    }

    @Test(arguments: ["", "rubbish", "{}", #"{"name":1}"#])
    func aTextThatCannotBeReadIsSaid(_ body: String) {
        let stored = Target(kind: SampleTarget.kind, summary: "", body: body)
        #expect(throws: TargetFault("its target cannot be read by this build")) {
            try stored.open(as: SampleTarget.self)
        }
    }

    @Test func anotherKindIsNotOpened() {
        let other = Target(kind: Target.Kind(rawValue: "other"), summary: "", body: Samples.target.body)
        #expect(throws: TargetFault("a target of kind other is none of kind sample")) {
            try other.open(as: SampleTarget.self)
        }
    }

    @Test func whatJSONCannotWriteIsNotSealed() {
        #expect(throws: TargetFault("its target cannot be written as JSON")) { try Target(Number(value: .nan)) }
    }

    private struct Number: TargetBody {
        static let kind = Target.Kind(rawValue: "number")
        var value: Double
        var summary: String { "a number" }
        var fault: String? { nil }
    }
}
