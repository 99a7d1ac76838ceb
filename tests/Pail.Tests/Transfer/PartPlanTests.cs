using FsCheck;
using FsCheck.Fluent;
using Pail.Transfer;

namespace Pail.Tests.Transfer;

public sealed class PartPlanTests
{
    private const long MiB = 1 << 20;
    private const long TiB = 1L << 40;

    [Fact]
    public void For_AnySize_FitsInTenThousandPartsThatS3Takes() => Prop.ForAll(Sizes, size =>
    {
        var part = PartPlan.For(size).SizeOf(1);
        return part % MiB == 0 && part >= 8 * MiB && part <= 5L << 30 && part * PartPlan.MaximumParts >= size;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void For_AnySize_MakesEqualParts() => Prop.ForAll(Sizes, Gen.Choose(1, PartPlan.MaximumParts).ToArbitrary(), (size, number) =>
        PartPlan.For(size).SizeOf(number) == PartPlan.For(size).SizeOf(1)).QuickCheckThrowOnFailure();

    [Fact]
    public void For_LessMemory_NeverMakesMoreThanAnEighthOfItUnlessItMust() => Prop.ForAll(Sizes, Gen.Choose(16, 1024).ToArbitrary(), (size, memory) =>
    {
        var part = PartPlan.For(size, memory * MiB).SizeOf(1);
        var must = (size + PartPlan.MaximumParts - 1) / PartPlan.MaximumParts;
        return part <= Math.Max(Math.Max(memory * MiB / 8, 8 * MiB), must + MiB);
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(0, 8)]
    [InlineData(200 * MiB, 8)]
    [InlineData(512 * MiB, 16)]
    [InlineData(1024 * MiB, 32)]
    [InlineData(100 * 1024 * MiB, 32)]
    [InlineData(5 * TiB, 525)]
    public void For_Size_IsAThirtySecondOfItWithinBounds(long size, long expectedMiB) =>
        Assert.Equal(expectedMiB * MiB, PartPlan.For(size).SizeOf(1));

    [Fact]
    public void For_5TiB_TakesTenThousandPartsAtMost() =>
        Assert.InRange((5 * TiB + PartPlan.For(5 * TiB).SizeOf(1) - 1) / PartPlan.For(5 * TiB).SizeOf(1), 1, 10_000);

    [Fact]
    public void Growing_AllParts_Hold5TiBAndNeverShrink()
    {
        var plan = PartPlan.Growing();
        var (total, last) = (0L, 0L);
        for (var number = 1; number <= PartPlan.MaximumParts; number++)
        {
            var size = plan.SizeOf(number);
            Assert.InRange(size, Math.Max(last, 8 * MiB), 5L << 30);
            (total, last) = (total + size, size);
        }
        Assert.True(total >= 5 * TiB, $"{total} bytes");
    }

    [Theory]
    [InlineData(1024 * MiB)]
    [InlineData(1032 * MiB)]
    public void Growing_1GiBAndABit_Takes34Parts(long size)
    {
        var plan = PartPlan.Growing();
        var parts = 0;
        for (var left = size; left > 0; left -= plan.SizeOf(++parts))
        {
        }
        Assert.Equal(34, parts);
    }

    [Theory]
    [InlineData(1, 64, 8)]
    [InlineData(3, 64, 32)]
    [InlineData(3, 12, 12)]
    [InlineData(3, 1, 8)]
    [InlineData(5000, 8, 256)]
    public void SizeOf_Growing_HeedsTheShareWhileManyPartsAreLeft(int number, long share, long expected) =>
        Assert.Equal(expected * MiB, PartPlan.Growing().SizeOf(number, share * MiB));

    [Fact]
    public void SizeOf_EqualParts_HeedNoShare() =>
        Assert.Equal(32 * MiB, PartPlan.For(1024 * MiB).SizeOf(3, 8 * MiB));

    [Fact]
    public void SizeOf_PartNumber10001_IsRefused()
    {
        foreach (var plan in (PartPlan[])[PartPlan.Growing(), PartPlan.For(1), PartPlan.Equal(5 * MiB)])
            Assert.Equal(Failure.BadInput, Assert.Throws<PailException>(() => plan.SizeOf(10_001)).Failure);
    }

    private static Arbitrary<long> Sizes => Gen.OneOf(
        Gen.Choose(0, int.MaxValue).Select(size => (long)size),
        Gen.Choose(0, (int)(5 * TiB / MiB)).Select(size => size * MiB),
        Gen.Choose(0, 1000).Select(less => 5 * TiB - less)).ToArbitrary();
}
