"""Makes the Word templates of this folder: run `python survey/data/reports/make_templates.py` after a change here.

The layout follows GB/T 9704 (党政机关公文格式): A4, 37 mm above, 28 mm left, a text area of 156 mm by 225 mm, the head
in red, the title in 方正小标宋, the text in 仿宋_GB2312, headings in 黑体 and 楷体_GB2312, page numbers outside. Fonts
are named, not embedded: a bureau has them, and elsewhere Word takes the nearest. Placeholders are those of docxtpl:
`{{ name }}`, `{%p … %}` for a paragraph of its own, `{%tr … %}` for a table row.
"""

from pathlib import Path

from docx.document import Document as Draft
from docx.shared import Mm, Pt

from survey.data.reports.word_layout import (
    LEFT,
    RIGHT,
    TEXT_WIDTH,
    body,
    control,
    gap,
    heading,
    loop_row,
    new_draft,
    new_row,
    new_table,
    optional,
    picture,
    red_head,
    rule,
    subheading,
    tag_row,
    write_cell,
)

FOLDER = Path(__file__).parent


def main() -> None:
    """Write every template of this folder."""
    for name, make in (("report", report), ("notice", notice), ("briefing", briefing)):
        make().save(str(FOLDER / f"{name}.docx"))


def report() -> Draft:
    """The report on a target or a school; all its words come in as data."""
    draft = new_draft()
    red_head(draft, "{{ bureau }}")
    draft.add_paragraph("{{ title }}", style="House title")
    draft.add_paragraph("{{ subject }}", style="House subtitle")
    draft.add_paragraph("{{ campaign }} · {{ period }}", style="House line")
    draft.add_paragraph("{{ labels.made }} {{ made_on }}", style="House line")
    draft.add_paragraph("{{ audience }}", style="House line")
    control(draft, "p for s in sections")
    control(draft, "p if not loop.first")
    draft.add_paragraph().paragraph_format.page_break_before = True
    control(draft, "p endif")
    draft.add_paragraph("{{ s.title }}", style="Heading 1")
    draft.add_paragraph("{{ s.lead }}", style="House report")
    optional(draft, "s.warning", "House warning")
    optional(draft, "s.withheld", "House warning")
    _figures(draft)
    picture(draft, "s.pictures.ruler")
    _small_list(draft, "s.reading")
    _numbered(draft, "strengths")
    _numbered(draft, "improvements")
    optional(draft, "s.standing_note", "House note")
    _against(draft)
    _lines_under(draft, "changes", "House report")
    _items(draft)
    _said(draft)
    control(draft, "p if s.reply")
    draft.add_paragraph("{{ labels.reply }}", style="Heading 2")
    draft.add_paragraph("{{ s.reply }}", style="House report")
    control(draft, "p endif")
    _lines_under(draft, "further", "House note")
    _method(draft)
    control(draft, "p endfor")
    draft.add_paragraph("{{ labels.notes }}", style="Heading 2")
    _small_list(draft, "notes")
    return draft


def notice() -> Draft:
    """情况通报: to schools and departments; the officer adds the number and changes what he likes."""
    draft = new_draft()
    draft.add_paragraph("{{ bureau }}文件", style="House head")
    number = draft.add_paragraph("　　〔{{ made_year }}〕　　号", style="House subtitle")
    rule(number, colour="C81010", size=18)
    draft.add_paragraph("关于{{ campaign }}结果的情况通报", style="House title")
    draft.add_paragraph("各学校、机关各科室：", style="House address")
    body(
        draft,
        "{{ campaign }}于{{ first_day }}至{{ last_day }}进行。测评采用不记名方式，一人一票，结果由系统统一计算。"
        "现将结果通报如下。",
    )
    heading(draft, "一、总体情况")
    control(draft, "p for e in evaluations")
    body(draft, "{{ e.summary }}")
    control(draft, "p endfor")
    _overview_table(draft)
    heading(draft, "二、与往年相比")
    _list_or(draft, "changes", "没有可比的往年结果。")
    _decided(draft)
    heading(draft, "四、各项测评结果")
    _evaluation_parts(draft)
    heading(draft, "五、需要说明的情况")
    _list_or(draft, "doubts", "没有不予显示的结果。")
    heading(draft, "六、工作要求")
    body(draft, "各学校、各科室要对照本单位测评报告，找准问题，制定整改措施，明确责任人和完成时限，按时报送整改情况。")
    _signature(draft)
    heading(draft, "附：计算方法")
    control(draft, "p for line in method")
    draft.add_paragraph("{{ line }}", style="House note")
    control(draft, "p endfor")
    _imprint(draft)
    return draft


def briefing() -> Draft:
    """简报: two pages for leaders, with the number of the issue left open."""
    draft = new_draft()
    head = draft.add_paragraph("测评工作简报", style="House head")
    head.paragraph_format.space_after = Pt(4)
    draft.add_paragraph("第　　期", style="House subtitle")
    line = draft.add_paragraph("{{ bureau }}\t{{ made_on }}", style="House line")
    line.paragraph_format.tab_stops.add_tab_stop(Mm(TEXT_WIDTH), alignment=2)
    line.alignment = LEFT
    rule(line)
    draft.add_paragraph("{{ campaign }}结果", style="House title")
    heading(draft, "一、主要结果")
    control(draft, "p for e in evaluations")
    body(draft, "{{ e.summary }}")
    control(draft, "p endfor")
    heading(draft, "二、升降")
    _list_or(draft, "changes", "没有可比的往年结果。")
    heading(draft, "三、突出的和需要关注的单位")
    _list_or(draft, "better", "没有可以认定高于其他单位的。")
    _list_or(draft, "worse", "没有可以认定低于其他单位的。")
    heading(draft, "四、项目")
    control(draft, "p for e in evaluations")
    control(draft, "p if e.weak_items")
    subheading(draft, "{{ e.name }}：相对较低的项目")
    control(draft, "p for line in e.weak_items")
    body(draft, "{{ line }}")
    control(draft, "p endfor")
    control(draft, "p endif")
    control(draft, "p endfor")
    heading(draft, "五、说明")
    _list_or(draft, "doubts", "没有不予显示的结果。")
    control(draft, "p for line in method")
    draft.add_paragraph("{{ line }}", style="House note")
    control(draft, "p endfor")
    _imprint(draft)
    return draft


def _small_list(draft: Draft, name: str) -> None:
    control(draft, f"p for line in {name}")
    draft.add_paragraph("· {{ line }}", style="House note")
    control(draft, "p endfor")


def _lines_under(draft: Draft, name: str, style: str) -> None:
    control(draft, f"p if s.{name}")
    draft.add_paragraph("{{ labels." + name + " }}", style="Heading 2")
    control(draft, f"p for line in s.{name}")
    draft.add_paragraph("{{ line }}", style=style)
    control(draft, "p endfor")
    control(draft, "p endif")


def _numbered(draft: Draft, name: str) -> None:
    control(draft, f"p if s.{name}")
    draft.add_paragraph("{{ labels." + name + " }}", style="Heading 2")
    control(draft, f"p for line in s.{name}")
    draft.add_paragraph("{{ loop.index }}. {{ line }}", style="House report")
    control(draft, "p endfor")
    control(draft, "p endif")


def _figures(draft: Draft) -> None:
    table = new_table(draft, 1, (40, 38, 40, 38))
    cells = ("{{ f.label }}", "{{ f.value }}", "{{ f.next_label }}", "{{ f.next_value }}")
    loop_row(table, "f in s.figures", cells, bold=(1, 3))
    gap(draft)


def _against(draft: Draft) -> None:
    control(draft, "p if s.against")
    draft.add_paragraph("{{ labels.against }}", style="Heading 2")
    table = new_table(draft, 1, (90, 26, 40), head=("{{ labels.name }}", "{{ labels.score }}", "{{ labels.interval }}"))
    loop_row(table, "a in s.against", ("{{ a.name }}", "{{ a.score }}", "{{ a.interval }}"))
    gap(draft)
    picture(draft, "s.pictures.against")
    control(draft, "p endif")
    _small_list(draft, "s.against_notes")


def _items(draft: Draft) -> None:
    control(draft, "p if s.dimensions")
    draft.add_paragraph("{{ labels.dimensions }}", style="Heading 2")
    labels = ("item", "n", "rate", "interval", "score", "interval")
    head = tuple("n" if name == "n" else "{{ labels." + name + " }}" for name in labels)
    table = new_table(draft, 1, (60, 12, 18, 28, 14, 24), head=head)
    tag_row(table, "for d in s.dimensions")
    tag_row(table, "if d.name")
    write_cell(new_row(table).cells[0].merge(table.rows[-1].cells[-1]), "{{ d.name }}", bold=True)
    tag_row(table, "endif")
    item = "{{ i.text }}{% if i.note %}（{{ i.note }}）{% endif %}"
    cells = (item, "{{ i.n }}", "{{ i.rate }}", "{{ i.rate_interval }}", "{{ i.score }}", "{{ i.interval }}")
    loop_row(table, "i in d.rows", cells)
    tag_row(table, "endfor")
    gap(draft)
    draft.add_paragraph("{{ s.items_note }}", style="House note")
    picture(draft, "s.pictures.bars")
    control(draft, "p endif")


def _said(draft: Draft) -> None:
    control(draft, "p if s.chips")
    draft.add_paragraph("{{ labels.chips }}", style="Heading 2")
    control(draft, "p for line in s.chips")
    draft.add_paragraph("· {{ line }}", style="House report")
    control(draft, "p endfor")
    draft.add_paragraph("{{ labels.chips_note }}", style="House note")
    control(draft, "p endif")
    control(draft, "p if s.quotes")
    draft.add_paragraph("{{ labels.quotes }}", style="Heading 2")
    control(draft, "p for q in s.quotes")
    draft.add_paragraph("· {{ q.text }}{% if q.about %} ({{ q.about }}){% endif %}", style="House report")
    control(draft, "p endfor")
    optional(draft, "s.quotes_left", "House report")
    draft.add_paragraph("{{ labels.quotes_note }}", style="House note")
    control(draft, "p endif")


def _method(draft: Draft) -> None:
    draft.add_paragraph("{{ labels.method }}", style="Heading 2")
    table = new_table(draft, 1, (26, 130))
    loop_row(table, "m in s.method", ("{{ m.label }}", "{{ m.value }}"))
    gap(draft)


def _overview_table(draft: Draft) -> None:
    head = ("测评任务", "对象数", "有效答卷", "回收率", "平均得分", "95%区间", "满意率")
    table = new_table(draft, 1, (42, 16, 20, 18, 20, 24, 16), head=head)
    names = ("name", "targets", "valid", "response", "score", "interval", "satisfied")
    loop_row(table, "e in evaluations", tuple("{{ e." + name + " }}" for name in names))
    gap(draft)


def _evaluation_parts(draft: Draft) -> None:
    control(draft, "p for e in evaluations")
    subheading(draft, "{{ e.name }}")
    picture(draft, "e.picture")
    table = new_table(draft, 1, (62, 22, 24, 22, 26), head=("单位", "对象数", "答卷", "得分", "95%区间"))
    cells = tuple("{{ u." + name + " }}" for name in ("name", "targets", "ballots", "score", "interval"))
    loop_row(table, "u in e.units", cells)
    draft.add_paragraph("表中按编号排列，不是名次；满意率指“{{ e.definition }}”所占比例。", style="House note")
    for name, words in (("strong_items", "相对较高的项目："), ("weak_items", "相对较低的项目：")):
        control(draft, f"p if e.{name}")
        body(draft, words)
        control(draft, f"p for line in e.{name}")
        body(draft, "{{ line }}")
        control(draft, "p endfor")
        control(draft, "p endif")
    control(draft, "p endfor")
    control(draft, "p for e in reference")
    subheading(draft, "{{ e.name }}（仅供参考，非一人一票）")
    body(draft, "{{ e.summary }}")
    control(draft, "p endfor")


def _decided(draft: Draft) -> None:
    heading(draft, "三、可以认定的差别")
    subheading(draft, "（一）可以认定高于其他单位的")
    _list_or(draft, "better", "没有。")
    subheading(draft, "（二）可以认定低于其他单位的")
    _list_or(draft, "worse", "没有。")
    subheading(draft, "（三）不足以判断的")
    control(draft, "p for e in evaluations")
    body(draft, "{{ e.undecided }}")
    control(draft, "p endfor")


def _signature(draft: Draft) -> None:
    for text in ("{{ bureau }}", "{{ made_on }}"):
        line = draft.add_paragraph(text, style="House address")
        line.alignment = RIGHT
        line.paragraph_format.right_indent = Pt(64)


def _imprint(draft: Draft) -> None:
    """版记: who gets copies, who issued it and when."""
    gap(draft)
    table = new_table(draft, 2, (96, 60), borders=False)
    write_cell(table.rows[0].cells[0], "抄送：")
    write_cell(table.rows[1].cells[0], "{{ bureau }}办公室")
    write_cell(table.rows[1].cells[1], "{{ made_on }}印发", align=RIGHT)


def _list_or(draft: Draft, name: str, otherwise: str) -> None:
    control(draft, f"p if {name}")
    control(draft, f"p for line in {name}")
    body(draft, "{{ line }}")
    control(draft, "p endfor")
    control(draft, "p else")
    body(draft, otherwise)
    control(draft, "p endif")


if __name__ == "__main__":
    main()
