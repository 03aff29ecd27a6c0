import CarillonCore
import CarillonTestSupport
import Testing
import Timetable

/// Digests are kept between processes, so they may not depend on one.
@Suite struct DigestTests {
    @Test func aDigestIsTheSameInEveryProcess() {
        var job = Samples.job("tick", policies: Policies(retry: Retry(attempts: 3, on: [.timeout, .failure])))
        job.target = Target(
            kind: Target.Kind(rawValue: "exec"), summary: "x",
            body: #"{"command":{"argv":{"_0":["x"]}},"environment":{"A":"1","B":"2","C":"3","D":"4"},"#
                + #""inheritEnvironment":[],"successCodes":[0]}"#)
        #expect(job.digest() == 1_820_741_450_524_562_238)
    }

    @Test func anyChangeChangesIt() {
        let job = Samples.job("tick")
        var other = job
        other.tags = ["a"]
        #expect(job.digest() != other.digest())
        #expect(job.digest() == Samples.job("tick").digest())
    }
}
