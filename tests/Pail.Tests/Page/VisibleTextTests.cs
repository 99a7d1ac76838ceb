using System.Text;
using Pail.Server.Page;

namespace Pail.Tests.Page;

public sealed class VisibleTextTests
{
    [Theory]
    [InlineData("plain ünïcödé 日本 🐳", "plain ünïcödé 日本 🐳")]
    [InlineData("<script>\"&'</script>", "&lt;script&gt;&quot;&amp;&#39;&lt;/script&gt;")]
    [InlineData("a\u202Eb\u2066c\u200Fd", "a⟨U+202E⟩b⟨U+2066⟩c⟨U+200F⟩d")]
    [InlineData("a\0b\u001b[31mc\u007f\u0085", "a⟨U+0000⟩b⟨U+001B⟩[31mc⟨U+007F⟩⟨U+0085⟩")]
    [InlineData("a\u200Bb\uFEFF\u2028\u2029\uE000", "a⟨U+200B⟩b⟨U+FEFF⟩⟨U+2028⟩⟨U+2029⟩⟨U+E000⟩")]
    [InlineData("line\nnext\ttab\r", "line↵next→tab⟨U+000D⟩")]
    [InlineData("e\u0301\u0301\u0301\u0301\u0301\u0301", "e\u0301\u0301\u0301\u0301⟨U+0301⟩⟨U+0301⟩")]
    [InlineData("", "")]
    [InlineData(null, "")]
    public void Append_MakesTextHarmless_AndAllOfItVisible(string? text, string expected)
    {
        var markup = new StringBuilder();
        VisibleText.Append(markup, text, 1000, keepsLines: false);
        Assert.Equal(expected, markup.ToString());
    }

    [Fact]
    public void Append_ShowsBytesThatAreNoText_AndHalvesOfPairs()
    {
        var markup = new StringBuilder();
        VisibleText.Append(markup, "\uDC80\uDCFF\uD800x", 1000, keepsLines: false);
        Assert.Equal("\\x80\\xFF⟨U+D800⟩x", markup.ToString());
    }

    [Fact]
    public void Append_KeepsLines_WhereAsked()
    {
        var markup = new StringBuilder();
        VisibleText.Append(markup, "a\r\n\tb\u202E", 1000, keepsLines: true);
        Assert.Equal("a\n\tb⟨U+202E⟩", markup.ToString());
    }

    [Fact]
    public void Append_CutsLongText_AndSaysSo()
    {
        var markup = new StringBuilder();
        VisibleText.Append(markup, new string('<', 1 << 20), 10, keepsLines: false);
        Assert.Equal($"{string.Concat(Enumerable.Repeat("&lt;", 10))}… (1048566 more characters)", markup.ToString());
    }

    [Fact]
    public void Html_EscapesAllButItsLiterals()
    {
        var evil = "\"><script>alert(1)</script>";
        Html inner = $"<b>{evil}</b>";
        Html outer = $"""<a title="{evil}">{inner}{Enumerable.Repeat(inner, 2)}{42}{evil:3}{(string?)null}{Html.None}</a>""";
        Assert.Equal(
            "<a title=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\"><b>&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;</b><b>&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;</b><b>&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;</b>42&quot;&gt;&lt;… (24 more characters)</a>",
            outer.ToString());
    }
}
